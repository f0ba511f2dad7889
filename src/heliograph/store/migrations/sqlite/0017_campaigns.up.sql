-- Audiences, and campaigns that reach them. A campaign's messages bear the batch of their variant.

CREATE TABLE audiences (
    id INTEGER PRIMARY KEY,
    workspace INTEGER NOT NULL REFERENCES workspaces (id),
    environment INTEGER NOT NULL REFERENCES environments (id),
    name TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('filling', 'ready', 'broken')),
    filters TEXT,                          -- JSON; NULL: it was uploaded
    variables TEXT NOT NULL DEFAULT '[]',  -- JSON list of the columns that texts may use
    read_lines INTEGER NOT NULL DEFAULT 0,
    valid INTEGER NOT NULL DEFAULT 0,
    bad INTEGER NOT NULL DEFAULT 0,
    duplicates INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    filled_at INTEGER,
    UNIQUE (environment, name)
);

CREATE TABLE audience_rows (
    audience INTEGER NOT NULL REFERENCES audiences (id) ON DELETE CASCADE,
    line INTEGER NOT NULL,                 -- of the file, or the id of the contact's address
    number TEXT NOT NULL,
    time_zone TEXT,
    variables TEXT,                        -- JSON; NULL: none
    PRIMARY KEY (audience, line)
) WITHOUT ROWID;
CREATE UNIQUE INDEX audience_rows_number ON audience_rows (number, audience);

CREATE TABLE audience_faults (
    audience INTEGER NOT NULL REFERENCES audiences (id) ON DELETE CASCADE,
    line INTEGER NOT NULL,
    code TEXT NOT NULL,
    detail TEXT NOT NULL,                  -- never what stood in the line: that is somebody's
    PRIMARY KEY (audience, line)
) WITHOUT ROWID;

CREATE TABLE campaigns (
    id INTEGER PRIMARY KEY,
    workspace INTEGER NOT NULL REFERENCES workspaces (id),
    environment INTEGER NOT NULL REFERENCES environments (id),
    client INTEGER NOT NULL,               -- on whose behalf its messages go
    name TEXT NOT NULL,
    audience INTEGER NOT NULL REFERENCES audiences (id),
    spec TEXT NOT NULL,                    -- JSON as it was given
    state TEXT NOT NULL,
    position INTEGER NOT NULL DEFAULT 0,   -- the last line whose message is accepted or refused
    next_at INTEGER NOT NULL DEFAULT 0,    -- when the next may be
    is_settled INTEGER NOT NULL DEFAULT 1, -- 0: what waits in the queue is still to follow the state
    estimate TEXT,                         -- JSON: what the check of all rows has found
    looked TEXT,                           -- JSON: what the content rules say of all its texts alike; NULL: they differ
    winner TEXT,                           -- the variant that the rest gets
    author TEXT NOT NULL,
    approved_by TEXT,
    starts_at INTEGER,
    started_at INTEGER,
    enqueued_at INTEGER,
    finished_at INTEGER,
    created_at INTEGER NOT NULL,
    UNIQUE (environment, name)
);
CREATE INDEX campaigns_open ON campaigns (state)
    WHERE state IN ('draft', 'scheduled', 'running', 'paused', 'stopping');
CREATE INDEX campaigns_audience ON campaigns (audience);

CREATE TABLE campaign_variants (
    campaign INTEGER NOT NULL REFERENCES campaigns (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    batch INTEGER NOT NULL UNIQUE,
    PRIMARY KEY (campaign, name)
) WITHOUT ROWID;

CREATE TABLE campaign_refusals (
    campaign INTEGER NOT NULL REFERENCES campaigns (id) ON DELETE CASCADE,
    batch INTEGER NOT NULL,
    code TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (campaign, batch, code)
) WITHOUT ROWID;
