-- What a segment costs, by connector, country and kind. Where nothing of it stands here, the connector's own
-- `price_per_segment` counts.

CREATE TABLE prices (
    connector TEXT NOT NULL,
    country TEXT NOT NULL,                 -- '': every country
    kind TEXT NOT NULL,                    -- '': every kind
    price TEXT NOT NULL,                   -- decimal, of one segment
    currency TEXT NOT NULL,
    PRIMARY KEY (connector, country, kind)
) WITHOUT ROWID;
