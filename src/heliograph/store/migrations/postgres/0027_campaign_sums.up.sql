-- How the messages of campaigns stand, by the batch of each variant: kept beside the other sums.

CREATE TABLE campaign_sums (
    batch BIGINT NOT NULL,
    state TEXT NOT NULL,
    connector TEXT NOT NULL,
    currency TEXT NOT NULL,
    messages BIGINT NOT NULL,
    segments BIGINT NOT NULL,
    cost BIGINT NOT NULL,                 -- in 10^-8 of the currency, of what a carrier took
    PRIMARY KEY (batch, state, connector, currency)
);
INSERT INTO campaign_sums
    SELECT m.batch, c.state, c.connector, c.currency, count(*), sum(c.segments), sum(c.cost)
    FROM counted c JOIN messages m ON m.id = c.message JOIN campaign_variants v ON v.batch = m.batch
    GROUP BY m.batch, c.state, c.connector, c.currency;
