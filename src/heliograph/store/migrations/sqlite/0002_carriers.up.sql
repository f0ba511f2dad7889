-- What links to real networks bring along: parts of long messages from phones, and calls of providers that were not
-- taken or not understood. A receipt may name the message by our own reference, even before its id is known.

ALTER TABLE parked_receipts ADD COLUMN message INTEGER;
CREATE INDEX parked_receipts_message ON parked_receipts (message) WHERE message IS NOT NULL;

CREATE TABLE inbound_parts (
    connector TEXT NOT NULL,
    from_number TEXT NOT NULL,
    to_number TEXT NOT NULL,
    reference TEXT NOT NULL,
    total INTEGER NOT NULL,
    number INTEGER NOT NULL,
    text TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (connector, from_number, to_number, reference, total, number)
) WITHOUT ROWID;
CREATE INDEX inbound_parts_at ON inbound_parts (at);

CREATE TABLE callbacks (
    id INTEGER PRIMARY KEY,
    connector TEXT NOT NULL,
    outcome TEXT NOT NULL CHECK (outcome IN ('refused', 'unread')),
    reason TEXT NOT NULL,
    address TEXT NOT NULL,
    request TEXT NOT NULL,                 -- JSON: method, path, headers and body, secrets left out
    at INTEGER NOT NULL
);
CREATE INDEX callbacks_connector ON callbacks (connector, id);
CREATE INDEX callbacks_at ON callbacks (at);

-- Parts of long messages that applications submit over SMPP: each has an id and a receipt of its own.
CREATE TABLE smpp_parts (
    client INTEGER NOT NULL,
    source TEXT NOT NULL,
    destination TEXT NOT NULL,
    reference TEXT NOT NULL,
    total INTEGER NOT NULL,
    number INTEGER NOT NULL,
    id TEXT NOT NULL,
    text TEXT NOT NULL,
    request TEXT NOT NULL,                 -- JSON: what the first part asked for
    message INTEGER,                       -- NULL until all parts are there
    at INTEGER NOT NULL,
    PRIMARY KEY (client, id)
) WITHOUT ROWID;
CREATE INDEX smpp_parts_set ON smpp_parts (client, source, destination, reference, total) WHERE message IS NULL;
CREATE INDEX smpp_parts_message ON smpp_parts (message) WHERE message IS NOT NULL;
CREATE INDEX smpp_parts_at ON smpp_parts (at);
