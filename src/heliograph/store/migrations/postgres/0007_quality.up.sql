-- What routes by quality go by: what followed of messages, and who goes first where that is decided by quality.

CREATE TABLE conversions (
    message BIGINT NOT NULL,
    kind TEXT NOT NULL,                    -- verified | clicked | replied | other
    workspace BIGINT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (message, kind)
);

CREATE TABLE leaders (
    workspace BIGINT NOT NULL,            -- the route's; 0: the operator's
    route TEXT NOT NULL,
    country TEXT NOT NULL,
    kind TEXT NOT NULL,
    connector TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (workspace, route, country, kind)
);

-- Finds the messages of the last hours: ids of several processes don't rise together. It costs an insert nothing.
CREATE INDEX messages_accepted ON messages USING brin (accepted_at) WITH (pages_per_range = 32, autosummarize = on);
