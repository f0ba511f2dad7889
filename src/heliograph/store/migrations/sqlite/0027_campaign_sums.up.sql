-- How the messages of campaigns stand, by the batch of each variant: kept beside the other sums.

CREATE TABLE campaign_sums (
    batch INTEGER NOT NULL,
    state TEXT NOT NULL,
    connector TEXT NOT NULL,
    currency TEXT NOT NULL,
    messages INTEGER NOT NULL,
    segments INTEGER NOT NULL,
    cost INTEGER NOT NULL,                 -- in 10^-8 of the currency, of what a carrier took
    PRIMARY KEY (batch, state, connector, currency)
) WITHOUT ROWID;
INSERT INTO campaign_sums
    SELECT m.batch, c.state, c.connector, c.currency, count(*), sum(c.segments), sum(c.cost)
    FROM counted c JOIN messages m ON m.id = c.message JOIN campaign_variants v ON v.batch = m.batch
    GROUP BY m.batch, c.state, c.connector, c.currency;
