ALTER TABLE messages DROP COLUMN time_zone;
