-- How far exports that are made again and again have come, and streams of events.

CREATE TABLE export_progress (
    workspace BIGINT NOT NULL,
    name TEXT NOT NULL,
    done_until BIGINT NOT NULL,             -- all before it is written
    position TEXT NOT NULL,                -- the same in the order of events; '' before the first
    object TEXT,                           -- the last that was written
    done_at BIGINT,
    error TEXT,                            -- why the last try failed; NULL: it did not
    failed_at BIGINT,
    PRIMARY KEY (workspace, name)
);

CREATE TABLE stream_progress (
    workspace BIGINT NOT NULL,
    name TEXT NOT NULL,
    position TEXT NOT NULL,                -- all events up to it are taken
    event_at BIGINT,                        -- of the last of them
    sent BIGINT NOT NULL,
    moved_at BIGINT NOT NULL,
    error TEXT,                            -- why nothing is taken; NULL: it is
    failing_since BIGINT,
    PRIMARY KEY (workspace, name)
);
