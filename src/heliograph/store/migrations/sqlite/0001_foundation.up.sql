-- The ledger as the first release knows it. Times: milliseconds since 1970, UTC. Flags: 0 and 1.

CREATE TABLE workspaces (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    default_country TEXT,
    settings TEXT NOT NULL DEFAULT '{}',
    created_at INTEGER NOT NULL
);

CREATE TABLE environments (
    id INTEGER PRIMARY KEY,
    workspace INTEGER NOT NULL REFERENCES workspaces (id),
    name TEXT NOT NULL,
    mode TEXT NOT NULL CHECK (mode IN ('live', 'test', 'guarded')),
    allowlist TEXT NOT NULL DEFAULT '[]',  -- recipients that a guarded environment may reach
    callback_secret TEXT NOT NULL,         -- sealed; signs what goes to a message's callback_url
    created_at INTEGER NOT NULL,
    UNIQUE (workspace, name)
);

CREATE TABLE clients (
    id INTEGER PRIMARY KEY,
    workspace INTEGER NOT NULL REFERENCES workspaces (id),
    environment INTEGER NOT NULL REFERENCES environments (id),
    name TEXT NOT NULL,
    key_id TEXT NOT NULL UNIQUE,           -- the public part of the key
    secret_hash BLOB NOT NULL,             -- SHA-256 of the whole key: it has 256 bits, nothing to guess
    scopes TEXT NOT NULL,                  -- JSON list
    ip_allowlist TEXT NOT NULL DEFAULT '[]',
    messages_per_second INTEGER,           -- NULL: the process default
    expires_at INTEGER,
    revoked_at INTEGER,
    last_used_at INTEGER,
    replaces INTEGER REFERENCES clients (id),  -- the key that this one was rotated from
    created_at INTEGER NOT NULL
);
CREATE INDEX clients_workspace ON clients (workspace, id);

CREATE TABLE tokens (
    hash BLOB PRIMARY KEY,                 -- SHA-256 of an access token from POST /oauth/token
    client INTEGER NOT NULL REFERENCES clients (id),
    scopes TEXT NOT NULL,
    expires_at INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE declared (
    id INTEGER PRIMARY KEY,
    workspace INTEGER NOT NULL REFERENCES workspaces (id),
    kind TEXT NOT NULL CHECK (kind IN ('connector', 'route', 'sender', 'endpoint')),
    name TEXT NOT NULL,
    spec TEXT NOT NULL,                    -- JSON as declared; secrets are references or sealed
    position INTEGER NOT NULL DEFAULT 0,   -- routes are tried in this order
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    UNIQUE (workspace, kind, name)
);

CREATE TABLE declared_history (
    id INTEGER PRIMARY KEY,
    workspace INTEGER NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    spec TEXT,                             -- NULL: removed
    actor TEXT NOT NULL,
    at INTEGER NOT NULL
);
CREATE INDEX declared_history_object ON declared_history (workspace, kind, name, id);

CREATE TABLE endpoint_health (
    endpoint INTEGER PRIMARY KEY REFERENCES declared (id) ON DELETE CASCADE,
    failing_since INTEGER,
    disabled_at INTEGER,
    reason TEXT
);

CREATE TABLE pauses (
    scope TEXT NOT NULL CHECK (scope IN ('all', 'workspace', 'connector', 'kind')),
    value TEXT NOT NULL DEFAULT '',
    actor TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (scope, value)
) WITHOUT ROWID;

CREATE TABLE counters (
    name TEXT PRIMARY KEY,                 -- 'config': rises with every change that running processes must see
    value INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO counters (name, value) VALUES ('config', 1);

CREATE TABLE processes (
    id INTEGER PRIMARY KEY,
    roles TEXT NOT NULL,
    host TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    alive_until INTEGER NOT NULL,
    recovered_at INTEGER                   -- when its unfinished messages were taken over
);

CREATE TABLE leases (
    name TEXT PRIMARY KEY,
    owner INTEGER NOT NULL,
    token INTEGER NOT NULL,                -- rises with each change of owner
    until INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE decisions (
    id INTEGER PRIMARY KEY,
    trace TEXT NOT NULL
);

CREATE TABLE messages (
    id INTEGER PRIMARY KEY,
    workspace INTEGER NOT NULL,
    environment INTEGER NOT NULL,
    client INTEGER NOT NULL,
    accepted_at INTEGER NOT NULL,
    to_number TEXT NOT NULL,
    country TEXT NOT NULL,
    kind TEXT NOT NULL,
    lane INTEGER NOT NULL,
    sender TEXT,
    text TEXT,
    encoding TEXT NOT NULL,
    segments INTEGER NOT NULL,
    state TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    valid_until INTEGER NOT NULL,
    connector TEXT NOT NULL,
    plan TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    owner INTEGER,                         -- NULL: ended; 0: waits for a claim; else the process that looks after it
    decision INTEGER NOT NULL,
    batch INTEGER,
    callback_url TEXT,
    callback_events TEXT,
    callback_format TEXT,                  -- NULL: JSON; 'smsto': form-encoded in the SMS.to shape
    tags TEXT,
    metadata TEXT,
    correlation_id TEXT,
    price TEXT,
    currency TEXT,
    failure TEXT,
    failure_code TEXT,
    carrier_code TEXT,
    sent_at INTEGER,
    final_at INTEGER,
    possible_duplicate INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX messages_recipient ON messages (workspace, to_number);
CREATE INDEX messages_waiting ON messages (connector, lane, workspace, due_at) WHERE owner = 0;
CREATE INDEX messages_deadline ON messages (valid_until) WHERE owner = 0;
CREATE INDEX messages_owned ON messages (owner) WHERE owner > 0;
CREATE INDEX messages_batch ON messages (batch) WHERE batch IS NOT NULL;
CREATE INDEX messages_correlation ON messages (workspace, correlation_id) WHERE correlation_id IS NOT NULL;

CREATE TABLE message_tags (
    workspace INTEGER NOT NULL,
    tag TEXT NOT NULL,
    message INTEGER NOT NULL,
    PRIMARY KEY (workspace, tag, message)
) WITHOUT ROWID;

CREATE TABLE attempts (
    message INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    part INTEGER NOT NULL,
    connector TEXT NOT NULL,
    state TEXT NOT NULL,
    carrier_id TEXT,
    failure TEXT,
    code TEXT,
    carrier_code TEXT,
    handed_at INTEGER NOT NULL,
    answered_at INTEGER,
    receipt_at INTEGER,
    PRIMARY KEY (message, attempt, part)
) WITHOUT ROWID;
CREATE INDEX attempts_carrier_id ON attempts (carrier_id, connector) WHERE carrier_id IS NOT NULL;

CREATE TABLE parked_receipts (
    id INTEGER PRIMARY KEY,
    connector TEXT NOT NULL,
    carrier_id TEXT NOT NULL,
    receipt TEXT NOT NULL,                 -- JSON
    at INTEGER NOT NULL
);
CREATE INDEX parked_receipts_id ON parked_receipts (carrier_id, connector);

CREATE TABLE inbound (
    id INTEGER PRIMARY KEY,
    workspace INTEGER NOT NULL,
    environment INTEGER NOT NULL,
    connector TEXT NOT NULL,
    carrier_id TEXT,
    from_number TEXT NOT NULL,
    to_number TEXT NOT NULL,
    text TEXT,
    raw TEXT,
    at INTEGER NOT NULL
);
CREATE UNIQUE INDEX inbound_carrier_id ON inbound (connector, carrier_id) WHERE carrier_id IS NOT NULL;
CREATE INDEX inbound_sender ON inbound (workspace, from_number, id);

CREATE TABLE events (
    seq INTEGER PRIMARY KEY,
    workspace INTEGER NOT NULL,
    environment INTEGER NOT NULL,
    message INTEGER,
    type TEXT NOT NULL,
    at INTEGER NOT NULL,
    data TEXT
);
CREATE INDEX events_message ON events (message) WHERE message IS NOT NULL;

CREATE TABLE deliveries (
    id INTEGER PRIMARY KEY,
    workspace INTEGER NOT NULL,
    environment INTEGER NOT NULL,
    event INTEGER NOT NULL,
    message INTEGER,
    endpoint INTEGER,                      -- NULL: the message's own callback_url
    target TEXT NOT NULL,
    state TEXT NOT NULL,
    tries INTEGER NOT NULL,
    next_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    answered_at INTEGER,
    status INTEGER,
    latency_ms INTEGER,
    error TEXT,
    replay INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX deliveries_due ON deliveries (target, next_at) WHERE state = 'pending';
CREATE INDEX deliveries_failed ON deliveries (endpoint, id) WHERE state = 'failed';
CREATE INDEX deliveries_message ON deliveries (message) WHERE message IS NOT NULL;

CREATE TABLE delivery_failures (
    delivery INTEGER NOT NULL,
    try INTEGER NOT NULL,
    at INTEGER NOT NULL,
    status INTEGER,
    latency_ms INTEGER,
    error TEXT NOT NULL,
    PRIMARY KEY (delivery, try)
) WITHOUT ROWID;

CREATE TABLE idempotency (
    client INTEGER NOT NULL,
    key TEXT NOT NULL,
    body_hash BLOB NOT NULL,
    answer BLOB NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (client, key)
) WITHOUT ROWID;
CREATE INDEX idempotency_expiry ON idempotency (expires_at);

CREATE TABLE consents (
    id INTEGER PRIMARY KEY,
    workspace INTEGER NOT NULL,
    number TEXT NOT NULL,
    action TEXT NOT NULL CHECK (action IN ('opt_in', 'opt_out')),
    source TEXT NOT NULL,
    detail TEXT NOT NULL DEFAULT '{}',     -- JSON: channel, language, text shown, actor …
    at INTEGER NOT NULL
);
CREATE INDEX consents_number ON consents (workspace, number, id);

CREATE TABLE suppressions (
    workspace INTEGER NOT NULL,
    number TEXT NOT NULL,
    consent INTEGER NOT NULL REFERENCES consents (id),
    at INTEGER NOT NULL,
    PRIMARY KEY (workspace, number)
) WITHOUT ROWID;

CREATE TABLE audit (
    id INTEGER PRIMARY KEY,
    workspace INTEGER,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    object TEXT NOT NULL,
    detail TEXT NOT NULL DEFAULT '{}',
    ip TEXT
);
CREATE INDEX audit_workspace ON audit (workspace, id);

CREATE TABLE watermarks (
    name TEXT PRIMARY KEY,                 -- how far a sweep through the messages has come
    value INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE revisits (
    name TEXT NOT NULL,                    -- of a sweep that came by too early
    at INTEGER NOT NULL,                  -- when it is to look again
    message INTEGER NOT NULL,
    PRIMARY KEY (name, at, message)
) WITHOUT ROWID;
