-- The place that an object had among its kind, so that a roll-back restores the order of routes too. NULL in entries
-- from before, and of what was removed.

ALTER TABLE declared_history ADD COLUMN position INTEGER;
