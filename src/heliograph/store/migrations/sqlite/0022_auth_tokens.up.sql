-- With what a key's callbacks in the shapes of Twilio and Vonage are signed, sealed; NULL: it never asked for any.

ALTER TABLE clients ADD COLUMN auth_token TEXT;
