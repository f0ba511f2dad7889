DROP TABLE smpp_parts;
DROP TABLE callbacks;
DROP TABLE inbound_parts;
DROP INDEX parked_receipts_message;
ALTER TABLE parked_receipts DROP COLUMN message;
