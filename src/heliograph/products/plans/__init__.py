"""Message plans: several channels, one after the other, until the person is reached."""
