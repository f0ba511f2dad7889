-- The zone in which a recipient is known to be, where the caller knows it: quiet hours go by it.
ALTER TABLE messages ADD COLUMN time_zone TEXT;
