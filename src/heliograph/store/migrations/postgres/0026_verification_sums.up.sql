-- How verifications go, counted with what happens to them: by the hour in which each began. No figure counts afresh.

ALTER TABLE verifications ADD COLUMN is_delivered BIGINT NOT NULL DEFAULT 0;  -- 1: a phone has got one of its messages
UPDATE verifications SET is_delivered = 1 WHERE EXISTS
    (SELECT 1 FROM messages m WHERE m.id = verifications.message AND m.state IN ('delivered', 'read'));

CREATE TABLE verification_sums (
    workspace BIGINT NOT NULL,
    environment BIGINT NOT NULL,
    what TEXT NOT NULL,                    -- country | prefix | client | saved
    at BIGINT NOT NULL,                   -- the hour's beginning
    name TEXT NOT NULL,                    -- of saved: the price of a message that was kept back, as in 0.04 EUR
    started BIGINT NOT NULL,
    approved BIGINT NOT NULL,
    blocked BIGINT NOT NULL,
    delivered BIGINT NOT NULL,            -- of countries only
    PRIMARY KEY (workspace, environment, what, at, name)
);
INSERT INTO verification_sums
    SELECT workspace, environment, 'country', started_at - started_at % 3600000, country, count(*),
        sum(CASE WHEN state = 'approved' THEN 1 ELSE 0 END), sum(CASE WHEN state = 'blocked' THEN 1 ELSE 0 END),
        sum(is_delivered)
    FROM verifications GROUP BY 1, 2, 4, 5;
INSERT INTO verification_sums
    SELECT workspace, environment, 'prefix', started_at - started_at % 3600000,
        substr(to_number, 1, length(to_number) - 4), count(*),
        sum(CASE WHEN state = 'approved' THEN 1 ELSE 0 END), sum(CASE WHEN state = 'blocked' THEN 1 ELSE 0 END), 0
    FROM verifications GROUP BY 1, 2, 4, 5;
INSERT INTO verification_sums
    SELECT workspace, environment, 'client', started_at - started_at % 3600000, CAST(client AS TEXT), count(*),
        sum(CASE WHEN state = 'approved' THEN 1 ELSE 0 END), sum(CASE WHEN state = 'blocked' THEN 1 ELSE 0 END), 0
    FROM verifications GROUP BY 1, 2, 4, 5;
INSERT INTO verification_sums
    SELECT workspace, environment, 'saved', started_at - started_at % 3600000, price || ' ' || currency, count(*), 0,
        count(*), 0
    FROM verifications WHERE state = 'blocked' AND action <> 'allow' AND price IS NOT NULL AND currency IS NOT NULL
    GROUP BY 1, 2, 4, 5;
