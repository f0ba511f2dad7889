-- Outages of providers: what is shut at the moment, the outages of workspaces with their plans, and drills of them.

CREATE TABLE shut_connectors (             -- kept by whoever has the connector; no row: it is of use
    connector TEXT NOT NULL,
    country TEXT NOT NULL,                 -- '': every country, the link itself is down
    since INTEGER NOT NULL,
    why TEXT NOT NULL,
    PRIMARY KEY (connector, country)
);

CREATE TABLE outages (
    id INTEGER PRIMARY KEY,
    workspace INTEGER NOT NULL,
    environment INTEGER NOT NULL,
    connectors TEXT NOT NULL,              -- JSON: all that a message could take
    country TEXT NOT NULL,                 -- '': every country
    why TEXT NOT NULL,
    shut_since INTEGER NOT NULL,
    began_at INTEGER NOT NULL,
    fine_since INTEGER,                   -- NULL: it is still bad
    ended_at INTEGER,
    held INTEGER NOT NULL DEFAULT 0,      -- messages, as also:
    moved INTEGER NOT NULL DEFAULT 0,
    failed INTEGER NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX outages_open ON outages (environment, connectors, country) WHERE ended_at IS NULL;
CREATE INDEX outages_list ON outages (workspace, environment, id);

CREATE TABLE drills (
    id INTEGER PRIMARY KEY,
    workspace INTEGER NOT NULL,
    environment INTEGER NOT NULL,
    connectors TEXT NOT NULL,              -- JSON: the sandbox connectors that go out
    how TEXT NOT NULL CHECK (how IN ('down', 'failing')),
    number TEXT NOT NULL,                  -- whom the probes go to
    length_ms INTEGER NOT NULL,           -- of the outage
    state TEXT NOT NULL CHECK (state IN ('running', 'done', 'broken_off')),
    actor TEXT NOT NULL,
    began_at INTEGER NOT NULL,
    out_from INTEGER,
    out_until INTEGER,
    ended_at INTEGER,
    process INTEGER,                      -- who runs it
    report TEXT                            -- JSON
);
CREATE UNIQUE INDEX drills_running ON drills (state) WHERE state = 'running';
CREATE INDEX drills_list ON drills (workspace, environment, id);
