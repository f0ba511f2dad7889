ALTER TABLE consents DROP COLUMN is_test;
