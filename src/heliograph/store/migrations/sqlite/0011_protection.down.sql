DROP INDEX events_inbound;
DROP INDEX events_alone;
DROP INDEX inbound_at;
DROP TABLE erased;
DROP TABLE data_keys;
DROP INDEX audit_at;
DROP TABLE audit_chain;
ALTER TABLE audit DROP COLUMN hash;
