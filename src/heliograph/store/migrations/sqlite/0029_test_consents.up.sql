-- A yes that was said in a test environment, where nobody real is reached, permits nothing.

ALTER TABLE consents ADD COLUMN is_test INTEGER NOT NULL DEFAULT 0;
