-- Sums by network too: to which the range of a number was given out, as routes and prices know it. It stands with each
-- message from now on; messages and sums from before are of no network.

ALTER TABLE messages ADD COLUMN network TEXT;  -- NULL: nobody can tell

ALTER TABLE rollups ADD COLUMN network TEXT NOT NULL DEFAULT '';
ALTER TABLE rollups DROP CONSTRAINT rollups_pkey,
    ADD PRIMARY KEY (grain, cut, workspace, environment, at, country, network, kind, connector, sender, template,
                     campaign, client, state, code, currency);

ALTER TABLE rollup_facts ADD COLUMN network TEXT NOT NULL DEFAULT '';
ALTER TABLE rollup_facts DROP CONSTRAINT rollup_facts_pkey,
    ADD PRIMARY KEY (grain, workspace, environment, at, country, network, kind, connector, sender, template, campaign,
                     client, fact, detail, currency);
