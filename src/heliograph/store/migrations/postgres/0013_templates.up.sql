-- Every version of every template, with its way through approval; what is declared now stands in `declared` too.
-- A version's content never changes, so a message that names one can be understood years later.

CREATE TABLE template_versions (
    workspace BIGINT NOT NULL,
    name TEXT NOT NULL,
    version BIGINT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('draft', 'review', 'approved', 'retired')),
    spec TEXT NOT NULL,                    -- JSON
    written_by TEXT NOT NULL,
    written_at BIGINT NOT NULL,
    submitted_by TEXT,
    submitted_at BIGINT,
    approved_by TEXT,
    approved_at BIGINT,
    acknowledged TEXT,                     -- why it was approved although its worst case is over the budget
    retired_by TEXT,
    retired_at BIGINT,
    review_at BIGINT,                          -- when somebody is to look at it again
    reminded_at BIGINT,
    PRIMARY KEY (workspace, name, version)
);
ALTER TABLE messages ADD COLUMN template TEXT;    -- NAME@VERSION; NULL: the caller gave the text
