-- Prices of messages are kept; the other ones have no place in the old table.
DROP TABLE lookups;
ALTER TABLE inbound DROP COLUMN currency;
ALTER TABLE inbound DROP COLUMN price;
ALTER TABLE messages DROP COLUMN billed_segments;
ALTER TABLE messages DROP COLUMN surcharge;
ALTER TABLE prices RENAME TO prices_after;
CREATE TABLE prices (
    connector TEXT NOT NULL,
    country TEXT NOT NULL,
    kind TEXT NOT NULL,
    price TEXT NOT NULL,
    currency TEXT NOT NULL,
    PRIMARY KEY (connector, country, kind)
) WITHOUT ROWID;
INSERT INTO prices (connector, country, kind, price, currency)
    SELECT connector, country, kind, price, currency FROM prices_after WHERE item = 'message' AND network = '';
DROP TABLE prices_after;
