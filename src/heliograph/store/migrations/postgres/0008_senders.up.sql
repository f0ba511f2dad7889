-- Numbers of which a carrier said that they don't exist: until when they are left alone. What is over is kept for a
-- while, because the next pause is longer.

CREATE TABLE cooldowns (
    workspace BIGINT NOT NULL,
    environment BIGINT NOT NULL,
    number TEXT NOT NULL,
    failures BIGINT NOT NULL,
    since BIGINT NOT NULL,                  -- the last failure
    until BIGINT NOT NULL,
    connector TEXT NOT NULL,
    carrier_code TEXT,
    PRIMARY KEY (workspace, environment, number)
);
CREATE INDEX cooldowns_until ON cooldowns (until);

-- What senders with a limit for the day were given of it, in lots.
CREATE TABLE sender_days (
    workspace BIGINT NOT NULL,
    sender TEXT NOT NULL,
    day BIGINT NOT NULL,                    -- when it began
    taken BIGINT NOT NULL,
    lot BIGINT NOT NULL,                    -- the last one
    PRIMARY KEY (workspace, sender, day)
);
