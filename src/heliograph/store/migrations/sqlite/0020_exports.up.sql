-- How far exports that are made again and again have come, and streams of events.

CREATE TABLE export_progress (
    workspace INTEGER NOT NULL,
    name TEXT NOT NULL,
    done_until INTEGER NOT NULL,             -- all before it is written
    position TEXT NOT NULL,                -- the same in the order of events; '' before the first
    object TEXT,                           -- the last that was written
    done_at INTEGER,
    error TEXT,                            -- why the last try failed; NULL: it did not
    failed_at INTEGER,
    PRIMARY KEY (workspace, name)
) WITHOUT ROWID;

CREATE TABLE stream_progress (
    workspace INTEGER NOT NULL,
    name TEXT NOT NULL,
    position TEXT NOT NULL,                -- all events up to it are taken
    event_at INTEGER,                        -- of the last of them
    sent INTEGER NOT NULL,
    moved_at INTEGER NOT NULL,
    error TEXT,                            -- why nothing is taken; NULL: it is
    failing_since INTEGER,
    PRIMARY KEY (workspace, name)
) WITHOUT ROWID;
