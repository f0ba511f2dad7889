DELETE FROM declared WHERE kind = 'policy';

ALTER TABLE messages DROP COLUMN topic;

CREATE TABLE said (
    id INTEGER PRIMARY KEY,
    workspace INTEGER NOT NULL,
    number TEXT NOT NULL,
    action TEXT NOT NULL CHECK (action IN ('opt_in', 'opt_out')),
    source TEXT NOT NULL,
    detail TEXT NOT NULL DEFAULT '{}',     -- JSON: channel, language, text shown, actor …
    at INTEGER NOT NULL
);
INSERT INTO said SELECT id, workspace, number, action, source, detail, at FROM consents
    WHERE action IN ('opt_in', 'opt_out') AND scope = '*';
CREATE TABLE suppressions (
    workspace INTEGER NOT NULL,
    number TEXT NOT NULL,
    consent INTEGER NOT NULL REFERENCES said (id),
    at INTEGER NOT NULL,
    PRIMARY KEY (workspace, number)
) WITHOUT ROWID;
INSERT INTO suppressions SELECT s.workspace, s.number, s.record, s.out_at FROM stances s JOIN said c ON c.id = s.record
    WHERE s.scope = '*' AND s.out_at IS NOT NULL;
DROP TABLE stances;
DROP TABLE consents;
ALTER TABLE said RENAME TO consents;
CREATE INDEX consents_number ON consents (workspace, number, id);
DROP TABLE contact_addresses;
DROP TABLE contacts;
