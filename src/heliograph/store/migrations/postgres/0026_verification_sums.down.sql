DROP TABLE verification_sums;
ALTER TABLE verifications DROP COLUMN is_delivered;
