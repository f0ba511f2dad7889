-- Sums by network too: to which the range of a number was given out, as routes and prices know it. It stands with each
-- message from now on; messages and sums from before are of no network.

ALTER TABLE messages ADD COLUMN network TEXT;  -- NULL: nobody can tell

CREATE TABLE rollups_by_network (
    grain INTEGER NOT NULL,
    cut INTEGER NOT NULL,                  -- how much detail: 0 all; else what is left out is empty
    workspace INTEGER NOT NULL,
    environment INTEGER NOT NULL,
    at INTEGER NOT NULL,                   -- of when messages were accepted
    country TEXT NOT NULL,
    network TEXT NOT NULL,
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
    PRIMARY KEY (grain, cut, workspace, environment, at, country, network, kind, connector, sender, template, campaign,
                 client, state, code, currency)
) WITHOUT ROWID;
INSERT INTO rollups_by_network
    SELECT grain, cut, workspace, environment, at, country, '', kind, connector, sender, template, campaign, client,
        state, code, currency, messages, segments, long, unicode, retried, taken, billed, cost, surcharge
    FROM rollups;
DROP TABLE rollups;
ALTER TABLE rollups_by_network RENAME TO rollups;

CREATE TABLE rollup_facts_by_network (
    grain INTEGER NOT NULL,
    workspace INTEGER NOT NULL,
    environment INTEGER NOT NULL,
    at INTEGER NOT NULL,                   -- of when it happened
    country TEXT NOT NULL,
    network TEXT NOT NULL,
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
    PRIMARY KEY (grain, workspace, environment, at, country, network, kind, connector, sender, template, campaign,
                 client, fact, detail, currency)
) WITHOUT ROWID;
INSERT INTO rollup_facts_by_network
    SELECT grain, workspace, environment, at, country, '', kind, connector, sender, template, campaign, client, fact,
        detail, currency, count, value
    FROM rollup_facts;
DROP TABLE rollup_facts;
ALTER TABLE rollup_facts_by_network RENAME TO rollup_facts;
