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
