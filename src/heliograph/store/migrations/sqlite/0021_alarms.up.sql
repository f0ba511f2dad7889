-- Alarms: where each stands, what came before, what is silenced, and what is still to be told.

CREATE TABLE alarms (
    id INTEGER PRIMARY KEY,
    workspace INTEGER NOT NULL,
    environment INTEGER NOT NULL,
    rule TEXT NOT NULL,
    subject TEXT NOT NULL,                 -- JSON: what it is about, such as a country and a connector
    severity TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'firing', 'resolved')),
    since INTEGER NOT NULL,
    bad_at INTEGER NOT NULL,
    fine_since INTEGER,
    began_at INTEGER NOT NULL,             -- when it was bad for the first time
    fired_at INTEGER,
    resolved_at INTEGER,
    value DOUBLE PRECISION,
    ceiling DOUBLE PRECISION,              -- the limit that it broke
    usual DOUBLE PRECISION,
    sample INTEGER NOT NULL,
    worst DOUBLE PRECISION,                -- the farthest from what is usual
    acknowledged_by TEXT,
    acknowledged_at INTEGER
);
CREATE UNIQUE INDEX alarms_open ON alarms (workspace, environment, rule, subject) WHERE state <> 'resolved';
CREATE INDEX alarms_list ON alarms (workspace, environment, id);

CREATE TABLE alarm_steps (
    id INTEGER PRIMARY KEY,
    alarm INTEGER NOT NULL REFERENCES alarms (id) ON DELETE CASCADE,
    at INTEGER NOT NULL,
    what TEXT NOT NULL,                    -- pending | firing | resolved | acknowledged | told
    detail TEXT NOT NULL
);
CREATE INDEX alarm_steps_alarm ON alarm_steps (alarm, id);

CREATE TABLE silences (
    id INTEGER PRIMARY KEY,
    workspace INTEGER NOT NULL,
    rule TEXT NOT NULL,                    -- '': every rule
    subject TEXT NOT NULL,                 -- JSON: what it must be about; {}: anything
    until INTEGER NOT NULL,
    why TEXT NOT NULL,
    actor TEXT NOT NULL,
    at INTEGER NOT NULL
);
CREATE INDEX silences_workspace ON silences (workspace, until);

CREATE TABLE alarm_notices (
    id INTEGER PRIMARY KEY,
    workspace INTEGER NOT NULL,
    environment INTEGER NOT NULL,
    channel TEXT NOT NULL,                 -- webhook | email | sms
    place INTEGER NOT NULL,                -- which one of the policy's list
    text TEXT NOT NULL,
    at INTEGER NOT NULL,
    next_at INTEGER NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0,
    error TEXT
);
CREATE INDEX alarm_notices_due ON alarm_notices (next_at);

CREATE TABLE link_states (
    connector TEXT PRIMARY KEY,
    down_since INTEGER,                    -- NULL: it is up
    at INTEGER NOT NULL
);
