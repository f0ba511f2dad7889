-- Every version of every template, with its way through approval; what is declared now stands in `declared` too.
-- A version's content never changes, so a message that names one can be understood years later.

CREATE TABLE template_versions (
    workspace INTEGER NOT NULL,
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('draft', 'review', 'approved', 'retired')),
    spec TEXT NOT NULL,                    -- JSON
    written_by TEXT NOT NULL,
    written_at INTEGER NOT NULL,
    submitted_by TEXT,
    submitted_at INTEGER,
    approved_by TEXT,
    approved_at INTEGER,
    acknowledged TEXT,                     -- why it was approved although its worst case is over the budget
    retired_by TEXT,
    retired_at INTEGER,
    review_at INTEGER,                          -- when somebody is to look at it again
    reminded_at INTEGER,
    PRIMARY KEY (workspace, name, version)
);
ALTER TABLE messages ADD COLUMN template TEXT;    -- NAME@VERSION; NULL: the caller gave the text
