-- Messages of other channels than SMS.

ALTER TABLE messages ADD COLUMN channel TEXT;     -- NULL: sms
ALTER TABLE messages ADD COLUMN content TEXT;     -- JSON: what the channel takes beside the text; sealed as the text is

-- E-mails of the gateway's own, to people who run it: each goes through intake once.
CREATE TABLE mails (
    id INTEGER PRIMARY KEY,
    workspace INTEGER NOT NULL,
    environment INTEGER NOT NULL,
    to_address TEXT NOT NULL,
    subject TEXT NOT NULL,
    text TEXT NOT NULL,
    at INTEGER NOT NULL,
    done_at INTEGER,
    why TEXT                               -- it was not sent
);
CREATE INDEX mails_due ON mails (id) WHERE done_at IS NULL;

-- Message plans: a run for each person, a row for each way that was begun. A step is noted before its message is.
CREATE TABLE plan_runs (
    id INTEGER PRIMARY KEY,
    workspace INTEGER NOT NULL,
    environment INTEGER NOT NULL,
    client INTEGER NOT NULL,
    plan TEXT,                             -- its name; NULL: it came with the request
    to_address TEXT NOT NULL,
    kind TEXT NOT NULL,
    asked TEXT,                            -- JSON, sealed as texts are: the message and the ways; forgotten at the end
    state TEXT NOT NULL CHECK (state IN ('running', 'reached', 'exhausted', 'canceled')),
    next_at INTEGER,                            -- when to look again, without news
    reached_by INTEGER,                         -- the place of the step
    idempotency TEXT,
    body_hash TEXT,
    created_at INTEGER NOT NULL,
    ended_at INTEGER,
    UNIQUE (client, idempotency)
);
CREATE INDEX plan_runs_running ON plan_runs (id) WHERE state = 'running';
CREATE INDEX plan_runs_environment ON plan_runs (workspace, environment, id);
CREATE INDEX plan_runs_address ON plan_runs (workspace, to_address);
CREATE INDEX plan_runs_created ON plan_runs (created_at);

CREATE TABLE plan_steps (
    run INTEGER NOT NULL REFERENCES plan_runs (id),
    place INTEGER NOT NULL,
    channel TEXT NOT NULL,
    to_address TEXT,
    goal TEXT NOT NULL,
    within_ms INTEGER,
    begun_at INTEGER NOT NULL,
    message INTEGER,
    reason TEXT,                           -- why there is no message, or why it was taken back
    seen TEXT NOT NULL,                    -- the state of its message when the run was last looked at
    PRIMARY KEY (run, place)
);
CREATE INDEX plan_steps_message ON plan_steps (message) WHERE message IS NOT NULL;
CREATE INDEX plan_steps_address ON plan_steps (to_address);

-- Browsers that may be written to. Endpoint and keys are sealed as texts are.
CREATE TABLE push_subscriptions (
    id INTEGER PRIMARY KEY,
    workspace INTEGER NOT NULL,
    environment INTEGER NOT NULL,
    service TEXT NOT NULL,                 -- the host of the endpoint
    user_agent TEXT,
    target TEXT NOT NULL,                  -- JSON: endpoint, p256dh, auth; empty once it is gone
    gone_at INTEGER,                            -- when its service said so
    created_at INTEGER NOT NULL
);
CREATE INDEX push_subscriptions_environment ON push_subscriptions (workspace, environment, id);

ALTER TABLE verifications ADD COLUMN email TEXT;   -- where steps by e-mail go
