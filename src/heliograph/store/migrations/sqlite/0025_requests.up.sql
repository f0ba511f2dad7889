-- The request log: what programs with a key asked, and what they were answered. No value of theirs is in it.

CREATE TABLE requests (
    id INTEGER PRIMARY KEY,
    workspace INTEGER NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    environment INTEGER NOT NULL,
    client INTEGER NOT NULL,
    at INTEGER NOT NULL,
    method TEXT NOT NULL,
    route TEXT NOT NULL,                   -- '': there is none
    path TEXT NOT NULL,
    query TEXT NOT NULL,                   -- JSON: names of parameters
    status INTEGER NOT NULL,
    code TEXT,                             -- of the problem; NULL: none
    errors TEXT NOT NULL,                  -- JSON: [[pointer, code]]
    took_ms INTEGER NOT NULL,                   -- the slowest of them
    request_id TEXT NOT NULL,
    user_agent TEXT,
    bytes_in INTEGER NOT NULL,
    bytes_out INTEGER,                          -- NULL: it was poured
    has_key INTEGER NOT NULL,                   -- an Idempotency-Key
    times INTEGER NOT NULL                      -- so many of its kind within its second
);
CREATE INDEX requests_list ON requests (workspace, environment, id);
CREATE INDEX requests_at ON requests (at);
