"""As Twilio's REST interface: its official clients work with the base URL changed."""
