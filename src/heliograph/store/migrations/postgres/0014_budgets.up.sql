-- What budgets have counted, and short links with what became of them.

CREATE TABLE tallies (
    environment BIGINT NOT NULL,
    name TEXT NOT NULL,                    -- the budget and what it counts, as in "spring/spend"; or "runaway"
    subject TEXT NOT NULL,                 -- whose it is; empty: everybody's
    begins BIGINT NOT NULL,
    ends BIGINT NOT NULL,
    workspace BIGINT NOT NULL,
    used BIGINT NOT NULL,
    told BIGINT NOT NULL,                      -- the highest percentage that was told of
    PRIMARY KEY (environment, name, subject, begins)
);

CREATE INDEX tallies_ends ON tallies (ends);

CREATE TABLE links (
    token TEXT PRIMARY KEY,
    workspace BIGINT NOT NULL,
    environment BIGINT NOT NULL,
    message BIGINT NOT NULL,
    url TEXT NOT NULL,                     -- sealed, if texts are
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    clicks BIGINT NOT NULL DEFAULT 0,          -- by people
    bot_clicks BIGINT NOT NULL DEFAULT 0
);

CREATE INDEX links_message ON links (message);
CREATE INDEX links_expires ON links (expires_at);

CREATE TABLE clicks (
    token TEXT NOT NULL,
    place BIGINT NOT NULL,
    at BIGINT NOT NULL,
    agent TEXT NOT NULL,                   -- ios | android | desktop | other
    bot TEXT,                              -- why it was no person; NULL: it was one
    PRIMARY KEY (token, place)
);
