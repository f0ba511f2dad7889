-- Verifications, what was counted for the guard, authenticator apps. Codes stand here as keyed hashes only.

CREATE TABLE verifications (
    id INTEGER PRIMARY KEY,
    workspace INTEGER NOT NULL,
    environment INTEGER NOT NULL,
    client INTEGER NOT NULL,
    state TEXT NOT NULL,                   -- pending | approved | canceled | expired | failed | blocked
    to_number TEXT NOT NULL,
    country TEXT NOT NULL,
    purpose TEXT,
    locale TEXT NOT NULL,
    origin TEXT,
    app_hash TEXT,
    sender TEXT,
    plan TEXT NOT NULL,                    -- JSON: the steps that are left to take, of [channel, seconds to wait]
    step INTEGER NOT NULL,                 -- how many were taken
    length INTEGER NOT NULL,
    alphabet TEXT NOT NULL,                -- "own": the application's own code
    salt TEXT NOT NULL,
    hash TEXT NOT NULL,                    -- keyed, of salt and code
    checks INTEGER NOT NULL DEFAULT 0,
    max_checks INTEGER NOT NULL,
    sends INTEGER NOT NULL DEFAULT 0,
    max_sends INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    sent_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    next_at INTEGER,                       -- without a receipt until then the next step is taken
    ended_at INTEGER,
    is_told INTEGER NOT NULL DEFAULT 0,    -- 1: its end was an event
    message INTEGER,                       -- the last one
    phone TEXT NOT NULL,                   -- keyed hashes, for the guard
    ip TEXT,
    device TEXT,
    action TEXT NOT NULL,                  -- what the guard said, also where it only looks on
    reasons TEXT NOT NULL,                 -- JSON
    price TEXT,                            -- of the message that was, or would have been, sent
    currency TEXT
);
CREATE INDEX verifications_list ON verifications (workspace, environment, id);
CREATE INDEX verifications_open ON verifications (expires_at) WHERE is_told = 0;
CREATE INDEX verifications_number ON verifications (workspace, to_number);
CREATE INDEX verifications_judged ON verifications (workspace, environment, id) WHERE action <> 'allow';
CREATE INDEX verifications_started ON verifications (started_at);

CREATE TABLE verification_counts (
    workspace INTEGER NOT NULL,
    environment INTEGER NOT NULL,
    subject TEXT NOT NULL,                 -- phone:HASH, prefix:+4474001, country:GB …
    bucket INTEGER NOT NULL,               -- of five minutes; of a country's days the first one of each
    asked INTEGER NOT NULL,
    sent INTEGER NOT NULL,
    verified INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    PRIMARY KEY (workspace, environment, subject, bucket)
) WITHOUT ROWID;
CREATE INDEX verification_counts_bucket ON verification_counts (bucket);

CREATE TABLE authenticators (
    id INTEGER PRIMARY KEY,
    workspace INTEGER NOT NULL,
    environment INTEGER NOT NULL,
    secret TEXT NOT NULL,                  -- sealed
    created_at INTEGER NOT NULL,
    confirmed_at INTEGER,
    last_step INTEGER NOT NULL DEFAULT 0   -- of the code that was taken last: none is taken twice
);
CREATE INDEX authenticators_workspace ON authenticators (workspace, environment, id);
