CREATE TEMPORARY TABLE rollups_of_all ON COMMIT DROP AS
    SELECT grain, cut, workspace, environment, at, country, kind, connector, sender, template, campaign, client, state,
        code, currency, sum(messages)::bigint AS messages, sum(segments)::bigint AS segments, sum(long)::bigint AS long,
        sum(unicode)::bigint AS unicode, sum(retried)::bigint AS retried, sum(taken)::bigint AS taken,
        sum(billed)::bigint AS billed, sum(cost)::bigint AS cost, sum(surcharge)::bigint AS surcharge
    FROM rollups
    GROUP BY grain, cut, workspace, environment, at, country, kind, connector, sender, template, campaign, client,
        state, code, currency;
TRUNCATE rollups;
ALTER TABLE rollups DROP COLUMN network;
ALTER TABLE rollups ADD PRIMARY KEY (grain, cut, workspace, environment, at, country, kind, connector, sender, template,
                                     campaign, client, state, code, currency);
INSERT INTO rollups (grain, cut, workspace, environment, at, country, kind, connector, sender, template, campaign,
    client, state, code, currency, messages, segments, long, unicode, retried, taken, billed, cost, surcharge)
    SELECT grain, cut, workspace, environment, at, country, kind, connector, sender, template, campaign, client, state,
        code, currency, messages, segments, long, unicode, retried, taken, billed, cost, surcharge
    FROM rollups_of_all;

CREATE TEMPORARY TABLE rollup_facts_of_all ON COMMIT DROP AS
    SELECT grain, workspace, environment, at, country, kind, connector, sender, template, campaign, client, fact,
        detail, currency, sum(count)::bigint AS count, sum(value)::bigint AS value
    FROM rollup_facts
    GROUP BY grain, workspace, environment, at, country, kind, connector, sender, template, campaign, client, fact,
        detail, currency;
TRUNCATE rollup_facts;
ALTER TABLE rollup_facts DROP COLUMN network;
ALTER TABLE rollup_facts ADD PRIMARY KEY (grain, workspace, environment, at, country, kind, connector, sender, template,
                                          campaign, client, fact, detail, currency);
INSERT INTO rollup_facts (grain, workspace, environment, at, country, kind, connector, sender, template, campaign,
    client, fact, detail, currency, count, value)
    SELECT grain, workspace, environment, at, country, kind, connector, sender, template, campaign, client, fact,
        detail, currency, count, value
    FROM rollup_facts_of_all;

ALTER TABLE messages DROP COLUMN network;
