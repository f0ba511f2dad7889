-- What an SMPP account hears of messages from phones, and how, as JSON; NULL: the key is no account. A key that was
-- rotated goes on with the account of the first of its line.

ALTER TABLE clients ADD COLUMN smpp TEXT;
ALTER TABLE clients ADD COLUMN line INTEGER;   -- NULL: it is the first itself
UPDATE clients SET smpp = '{}' WHERE length(secret_hash) > 32;
