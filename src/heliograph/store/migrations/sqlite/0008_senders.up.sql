-- Numbers of which a carrier said that they don't exist: until when they are left alone. What is over is kept for a
-- while, because the next pause is longer.

CREATE TABLE cooldowns (
    workspace INTEGER NOT NULL,
    environment INTEGER NOT NULL,
    number TEXT NOT NULL,
    failures INTEGER NOT NULL,
    since INTEGER NOT NULL,                  -- the last failure
    until INTEGER NOT NULL,
    connector TEXT NOT NULL,
    carrier_code TEXT,
    PRIMARY KEY (workspace, environment, number)
) WITHOUT ROWID;
CREATE INDEX cooldowns_until ON cooldowns (until);

-- What senders with a limit for the day were given of it, in lots.
CREATE TABLE sender_days (
    workspace INTEGER NOT NULL,
    sender TEXT NOT NULL,
    day INTEGER NOT NULL,                    -- when it began
    taken INTEGER NOT NULL,
    lot INTEGER NOT NULL,                    -- the last one
    PRIMARY KEY (workspace, sender, day)
) WITHOUT ROWID;
