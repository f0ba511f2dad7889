-- What budgets have counted, and short links with what became of them.

CREATE TABLE tallies (
    environment INTEGER NOT NULL,
    name TEXT NOT NULL,                    -- the budget and what it counts, as in "spring/spend"; or "runaway"
    subject TEXT NOT NULL,                 -- whose it is; empty: everybody's
    begins INTEGER NOT NULL,
    ends INTEGER NOT NULL,
    workspace INTEGER NOT NULL,
    used INTEGER NOT NULL,
    told INTEGER NOT NULL,                      -- the highest percentage that was told of
    PRIMARY KEY (environment, name, subject, begins)
) WITHOUT ROWID;

CREATE INDEX tallies_ends ON tallies (ends);

CREATE TABLE links (
    token TEXT PRIMARY KEY,
    workspace INTEGER NOT NULL,
    environment INTEGER NOT NULL,
    message INTEGER NOT NULL,
    url TEXT NOT NULL,                     -- sealed, if texts are
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    clicks INTEGER NOT NULL DEFAULT 0,          -- by people
    bot_clicks INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;

CREATE INDEX links_message ON links (message);
CREATE INDEX links_expires ON links (expires_at);

CREATE TABLE clicks (
    token TEXT NOT NULL,
    place INTEGER NOT NULL,
    at INTEGER NOT NULL,
    agent TEXT NOT NULL,                   -- ios | android | desktop | other
    bot TEXT,                              -- why it was no person; NULL: it was one
    PRIMARY KEY (token, place)
) WITHOUT ROWID;
