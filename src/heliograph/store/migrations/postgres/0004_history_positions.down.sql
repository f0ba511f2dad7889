ALTER TABLE declared_history DROP COLUMN position;
