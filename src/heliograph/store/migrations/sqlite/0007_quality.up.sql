-- What routes by quality go by: what followed of messages, and who goes first where that is decided by quality.

CREATE TABLE conversions (
    message INTEGER NOT NULL,
    kind TEXT NOT NULL,                    -- verified | clicked | replied | other
    workspace INTEGER NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (message, kind)
) WITHOUT ROWID;

CREATE TABLE leaders (
    workspace INTEGER NOT NULL,            -- the route's; 0: the operator's
    route TEXT NOT NULL,
    country TEXT NOT NULL,
    kind TEXT NOT NULL,
    connector TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (workspace, route, country, kind)
) WITHOUT ROWID;
