-- A yes that was said in a test environment, where nobody real is reached, permits nothing.

ALTER TABLE consents ADD COLUMN is_test BIGINT NOT NULL DEFAULT 0;
