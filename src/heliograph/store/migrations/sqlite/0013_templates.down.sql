ALTER TABLE messages DROP COLUMN template;
DROP TABLE template_versions;
DELETE FROM declared WHERE kind = 'template';
DELETE FROM declared_history WHERE kind = 'template';
