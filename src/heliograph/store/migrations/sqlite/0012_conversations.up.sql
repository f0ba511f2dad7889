-- People talk back: threads with who looks after them, and what was answered by itself. A message from a phone is kept
-- first and settled after that, once: its thread, its rules, what webhooks hear of it.

ALTER TABLE inbound ADD COLUMN settled_at INTEGER;   -- NULL: not yet
ALTER TABLE inbound ADD COLUMN conversation INTEGER;
ALTER TABLE inbound ADD COLUMN found TEXT;           -- JSON: contact, in_reply_to, tags, team, rules, keyword
UPDATE inbound SET settled_at = at;
CREATE INDEX inbound_unsettled ON inbound (id) WHERE settled_at IS NULL;
CREATE INDEX inbound_environment ON inbound (workspace, environment, id);

CREATE TABLE conversations (
    id INTEGER PRIMARY KEY,
    workspace INTEGER NOT NULL,
    environment INTEGER NOT NULL,
    number TEXT NOT NULL,                  -- the person's
    sender TEXT NOT NULL,                  -- ours
    state TEXT NOT NULL CHECK (state IN ('new', 'open', 'waiting', 'closed')),  -- new: until its first commit
    team TEXT,
    agent TEXT,
    tags TEXT NOT NULL DEFAULT '[]',       -- JSON list of strings
    asked_at INTEGER,                      -- since when the person waits for an answer
    escalate_at INTEGER,                   -- when that is too long
    away_until INTEGER,                    -- until when the person knows that nobody is there
    begins_at INTEGER NOT NULL,            -- our messages from then on are part of it
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    UNIQUE (workspace, environment, number, sender)
);
CREATE INDEX conversations_recent ON conversations (workspace, environment, updated_at, id);
CREATE INDEX conversations_overdue ON conversations (escalate_at) WHERE escalate_at IS NOT NULL;

CREATE TABLE conversation_entries (
    id INTEGER PRIMARY KEY,
    workspace INTEGER NOT NULL,
    conversation INTEGER NOT NULL REFERENCES conversations (id),
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,                    -- inbound | reply | note | assigned | state | tags | escalated | held
    actor TEXT NOT NULL,
    inbound INTEGER,
    message INTEGER,
    data TEXT NOT NULL DEFAULT '{}'        -- JSON
);
CREATE INDEX conversation_entries_thread ON conversation_entries (conversation, at, id);

CREATE TABLE automatic_replies (
    id INTEGER PRIMARY KEY,
    workspace INTEGER NOT NULL,
    environment INTEGER NOT NULL,
    conversation INTEGER NOT NULL REFERENCES conversations (id),
    rule TEXT NOT NULL,
    text TEXT NOT NULL,
    at INTEGER NOT NULL,
    done_at INTEGER                        -- NULL: still to be sent
);
CREATE INDEX automatic_replies_thread ON automatic_replies (conversation, at);
CREATE INDEX automatic_replies_due ON automatic_replies (id) WHERE done_at IS NULL;
