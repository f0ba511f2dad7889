-- Prices of more than messages, what carriers made of a text, and what is known of numbers because somebody was asked.

ALTER TABLE prices RENAME TO prices_before;
CREATE TABLE prices (
    connector TEXT NOT NULL,
    item TEXT NOT NULL CHECK (item IN ('message', 'surcharge', 'inbound', 'lookup')),
    country TEXT NOT NULL,                 -- '': every country
    network TEXT NOT NULL,                 -- '': every network; else as public metadata call it
    kind TEXT NOT NULL,                    -- '': every kind
    price TEXT NOT NULL,                   -- decimal, of one segment or question
    currency TEXT NOT NULL,
    CONSTRAINT prices_key PRIMARY KEY (connector, item, country, network, kind)
) WITHOUT ROWID;
INSERT INTO prices (connector, item, country, network, kind, price, currency)
    SELECT connector, 'message', country, '', kind, price, currency FROM prices_before;
DROP TABLE prices_before;

ALTER TABLE messages ADD COLUMN surcharge TEXT;             -- the part of its price that is passed-through fees
ALTER TABLE messages ADD COLUMN billed_segments INTEGER;    -- how many the carrier says that it made of the text
ALTER TABLE inbound ADD COLUMN price TEXT;                  -- of all its segments
ALTER TABLE inbound ADD COLUMN currency TEXT;

CREATE TABLE lookups (
    workspace INTEGER NOT NULL,
    environment INTEGER NOT NULL,
    connector TEXT NOT NULL,
    number TEXT NOT NULL,
    at INTEGER NOT NULL,
    answer TEXT NOT NULL,                  -- JSON
    price TEXT,
    currency TEXT,
    PRIMARY KEY (workspace, environment, connector, number, at)
) WITHOUT ROWID;
CREATE INDEX lookups_at ON lookups (at);
