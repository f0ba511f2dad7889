DROP TABLE authenticators;
DROP TABLE verification_counts;
DROP TABLE verifications;
