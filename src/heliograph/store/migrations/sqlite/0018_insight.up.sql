-- Insight: sums of what became of messages, by minute, hour and day, and how far the events are summed.
-- A grain is the length of a bucket in milliseconds, `at` is when it begins. Empty text and 0: none, or not known.

CREATE TABLE rollups (
    grain INTEGER NOT NULL,
    cut INTEGER NOT NULL,                  -- how much detail: 0 all; else what is left out is empty
    workspace INTEGER NOT NULL,
    environment INTEGER NOT NULL,
    at INTEGER NOT NULL,                   -- of when messages were accepted
    country TEXT NOT NULL,
    kind TEXT NOT NULL,
    connector TEXT NOT NULL,
    sender TEXT NOT NULL,
    template TEXT NOT NULL,
    campaign INTEGER NOT NULL,
    client INTEGER NOT NULL,
    state TEXT NOT NULL,                   -- `waiting` is all before `sent`
    code TEXT NOT NULL,                    -- why it failed
    currency TEXT NOT NULL,
    messages INTEGER NOT NULL,
    segments INTEGER NOT NULL,
    long INTEGER NOT NULL,                 -- of more than one segment
    unicode INTEGER NOT NULL,              -- in UCS-2
    retried INTEGER NOT NULL,              -- that took more than one attempt
    taken INTEGER NOT NULL,                -- that a carrier took, and what it counts and asks for them
    billed INTEGER NOT NULL,
    cost INTEGER NOT NULL,                 -- in 10^-8 of the currency, surcharges included
    surcharge INTEGER NOT NULL,
    PRIMARY KEY (grain, cut, workspace, environment, at, country, kind, connector, sender, template, campaign, client,
                 state, code, currency)
) WITHOUT ROWID;

CREATE TABLE rollup_times (
    grain INTEGER NOT NULL,
    cut INTEGER NOT NULL,                  -- how much detail: 0 all; else what is left out is empty
    workspace INTEGER NOT NULL,
    environment INTEGER NOT NULL,
    at INTEGER NOT NULL,
    country TEXT NOT NULL,
    kind TEXT NOT NULL,
    connector TEXT NOT NULL,
    what TEXT NOT NULL,                    -- send | deliver | webhook
    slot INTEGER NOT NULL,                 -- of how long it took
    count INTEGER NOT NULL,
    PRIMARY KEY (grain, cut, workspace, environment, at, country, kind, connector, what, slot)
) WITHOUT ROWID;

CREATE TABLE rollup_facts (
    grain INTEGER NOT NULL,
    workspace INTEGER NOT NULL,
    environment INTEGER NOT NULL,
    at INTEGER NOT NULL,                   -- of when it happened
    country TEXT NOT NULL,
    kind TEXT NOT NULL,
    connector TEXT NOT NULL,
    sender TEXT NOT NULL,
    template TEXT NOT NULL,
    campaign INTEGER NOT NULL,
    client INTEGER NOT NULL,
    fact TEXT NOT NULL,
    detail TEXT NOT NULL,                  -- the class of a failure, the endpoint of a webhook, the name of a goal
    currency TEXT NOT NULL,
    count INTEGER NOT NULL,
    value INTEGER NOT NULL,                -- in 10^-8 of the currency
    PRIMARY KEY (grain, workspace, environment, at, country, kind, connector, sender, template, campaign, client,
                 fact, detail, currency)
) WITHOUT ROWID;

CREATE TABLE counted (
    message INTEGER PRIMARY KEY,           -- and as what it stands in the sums
    connector TEXT NOT NULL,
    sender TEXT NOT NULL,
    template TEXT NOT NULL,
    state TEXT NOT NULL,
    code TEXT NOT NULL,
    currency TEXT NOT NULL,
    segments INTEGER NOT NULL,
    unicode INTEGER NOT NULL,
    retried INTEGER NOT NULL,
    taken INTEGER NOT NULL,
    billed INTEGER NOT NULL,
    cost INTEGER NOT NULL,
    surcharge INTEGER NOT NULL,
    send_slot INTEGER NOT NULL,            -- -1: not, or not yet
    deliver_slot INTEGER NOT NULL
);

CREATE TABLE open_deliveries (
    delivery INTEGER PRIMARY KEY,          -- that had not ended when its turn came
    at INTEGER NOT NULL                    -- when to look again
);
CREATE INDEX open_deliveries_at ON open_deliveries (at);
CREATE INDEX deliveries_event ON deliveries (event);

-- How far sums are made, and how far back they go; `rebuilt`: what is older can't be made again.
CREATE TABLE rolled (
    name TEXT PRIMARY KEY,                 -- `position` of the last event in the sums; the first bucket of a grain
    value TEXT NOT NULL
) WITHOUT ROWID;
INSERT INTO rolled (name, value) VALUES ('position', ''), ('60000', '0'), ('3600000', '0'), ('86400000', '0'), ('rebuilt', '0');

-- What applications report back: that a message, or those to a contact, led to what they were sent for.
CREATE TABLE goals (
    id INTEGER PRIMARY KEY,
    workspace INTEGER NOT NULL,
    environment INTEGER NOT NULL,
    name TEXT NOT NULL,
    subject TEXT NOT NULL,                 -- the public id of the message or the contact
    reference TEXT NOT NULL,               -- the application's own name of the event; told twice, it counts once
    message INTEGER,                       -- NULL: none led to it
    value TEXT,                            -- decimal
    currency TEXT,
    at INTEGER NOT NULL,
    UNIQUE (environment, name, subject, reference)
);
CREATE INDEX goals_message ON goals (message) WHERE message IS NOT NULL;
CREATE INDEX goals_list ON goals (workspace, environment, id);
