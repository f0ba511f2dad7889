-- Who a number belongs to, what people said, and what holds for them. What is declared may be a policy as well: its
-- kinds are checked where its form is, no longer here.

CREATE TABLE contacts (
    id INTEGER PRIMARY KEY,
    workspace INTEGER NOT NULL REFERENCES workspaces (id),
    external_id TEXT,                      -- in the system of record
    name TEXT,
    locale TEXT,
    time_zone TEXT,
    attributes TEXT NOT NULL DEFAULT '{}',
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
);
CREATE UNIQUE INDEX contacts_external ON contacts (workspace, external_id) WHERE external_id IS NOT NULL;
CREATE INDEX contacts_workspace ON contacts (workspace, id);

-- An address moves from one person to another: each stay has its time.
CREATE TABLE contact_addresses (
    id INTEGER PRIMARY KEY,
    workspace INTEGER NOT NULL,
    address TEXT NOT NULL,                 -- a number in E.164, or an e-mail address
    contact INTEGER NOT NULL REFERENCES contacts (id),
    since INTEGER NOT NULL,
    until INTEGER                          -- NULL: at present
);
CREATE UNIQUE INDEX contact_addresses_present ON contact_addresses (workspace, address) WHERE until IS NULL;
CREATE INDEX contact_addresses_contact ON contact_addresses (contact, id);
CREATE INDEX contact_addresses_address ON contact_addresses (workspace, address, id);

CREATE TABLE said (
    id INTEGER PRIMARY KEY,
    workspace INTEGER NOT NULL,            -- 0: of all of them, by the operator
    number TEXT NOT NULL,
    contact INTEGER,                       -- whose it was then
    action TEXT NOT NULL CHECK (action IN ('opt_in', 'confirmed', 'opt_out', 'help', 'doubt', 'dismissed')),
    scope TEXT NOT NULL,                   -- '*', a kind, 'topic:NAME', 'sender:VALUE'
    source TEXT NOT NULL,
    channel TEXT,
    language TEXT,
    text TEXT,                             -- as it was shown, or as the person wrote it
    text_version TEXT,
    ip TEXT,
    user_agent TEXT,
    message TEXT,                          -- the public id of the message that carried it
    detail TEXT NOT NULL DEFAULT '{}',     -- JSON: what else there is to prove it
    until INTEGER,                         -- an implied consent ends by itself
    actor TEXT NOT NULL,
    at INTEGER NOT NULL,                   -- when it was said
    recorded_at INTEGER NOT NULL
);
INSERT INTO said (id, workspace, number, action, scope, source, detail, actor, at, recorded_at)
    SELECT id, workspace, number, action, '*', source, detail, '', at, at FROM consents;

CREATE TABLE stances (
    number TEXT NOT NULL,
    workspace INTEGER NOT NULL,
    scope TEXT NOT NULL,
    given_at INTEGER,
    imported INTEGER NOT NULL,
    confirmed_at INTEGER,
    until INTEGER,
    out_at INTEGER,
    firm INTEGER NOT NULL,
    doubt_at INTEGER,
    record INTEGER NOT NULL,
    PRIMARY KEY (number, workspace, scope)
) WITHOUT ROWID;
INSERT INTO stances (number, workspace, scope, imported, out_at, firm, record)
    SELECT s.number, s.workspace, '*', 0, s.at, c.source = 'carrier', s.consent
    FROM suppressions s JOIN consents c ON c.id = s.consent;
CREATE INDEX stances_out ON stances (workspace, number) WHERE out_at IS NOT NULL;
CREATE INDEX stances_doubt ON stances (workspace, doubt_at) WHERE doubt_at IS NOT NULL;

DROP TABLE suppressions;
DROP TABLE consents;
ALTER TABLE said RENAME TO consents;
CREATE INDEX consents_number ON consents (workspace, number, id);
CREATE INDEX consents_contact ON consents (contact, id) WHERE contact IS NOT NULL;

ALTER TABLE messages ADD COLUMN topic TEXT;  -- what it is about; beginning with @: our own answer to a STOP or HELP

CREATE TABLE health AS SELECT * FROM endpoint_health;
DROP TABLE endpoint_health;
CREATE TABLE objects (
    id INTEGER PRIMARY KEY,
    workspace INTEGER NOT NULL REFERENCES workspaces (id),
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    spec TEXT NOT NULL,                    -- JSON as declared; secrets are references or sealed
    position INTEGER NOT NULL DEFAULT 0,   -- routes are tried in this order
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    UNIQUE (workspace, kind, name)
);
INSERT INTO objects SELECT id, workspace, kind, name, spec, position, created_at, updated_at FROM declared;
DROP TABLE declared;
ALTER TABLE objects RENAME TO declared;
CREATE TABLE endpoint_health (
    endpoint INTEGER PRIMARY KEY REFERENCES declared (id) ON DELETE CASCADE,
    failing_since INTEGER,
    disabled_at INTEGER,
    reason TEXT
);
INSERT INTO endpoint_health SELECT * FROM health;
DROP TABLE health;
