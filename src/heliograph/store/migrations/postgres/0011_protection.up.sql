-- What keeps the ledger's content from being changed or read unseen: entries of the audit log are chained, keys for data
-- are kept sealed, and a person who was erased stays known by a keyed hash.

ALTER TABLE audit ADD COLUMN hash TEXT;    -- NULL: older than the chain, until the first start takes it in

CREATE TABLE audit_chain (                 -- one row: the end of the chain, and where what is kept of it begins
    one BIGINT PRIMARY KEY CHECK (one = 1),
    last_id BIGINT NOT NULL,
    last_hash TEXT NOT NULL,
    base_id BIGINT NOT NULL DEFAULT 0,         -- the last entry that retention removed
    base_hash TEXT NOT NULL DEFAULT '',
    base_proof TEXT NOT NULL DEFAULT ''    -- that it was us who removed them
);
INSERT INTO audit_chain (one, last_id, last_hash) SELECT 1, coalesce(max(id), 0), '' FROM audit;
CREATE INDEX audit_at ON audit (at);

CREATE TABLE data_keys (
    purpose TEXT NOT NULL CHECK (purpose IN ('audit', 'bodies', 'erased')),
    number BIGINT NOT NULL,                    -- rises with each rotation
    sealed TEXT NOT NULL,                  -- by the master key
    active_at BIGINT NOT NULL,                 -- seals from then on; every process knows it before
    PRIMARY KEY (purpose, number)
);

CREATE TABLE erased (
    workspace BIGINT NOT NULL,
    hash TEXT NOT NULL,                    -- of the number, keyed
    is_suppressed BIGINT NOT NULL,             -- the person had said no: nothing may be sent
    reason TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (workspace, hash)
);
CREATE INDEX inbound_at ON inbound (at);
CREATE INDEX events_alone ON events (workspace, seq) WHERE message IS NULL;
CREATE INDEX events_inbound ON events (at) WHERE message IS NULL AND type = 'inbound.received';

-- Whoever accepts asks this list too: an erasure waits for those that asked before it, like any opt-out.
CREATE TRIGGER erased_alone BEFORE INSERT OR UPDATE ON erased
    FOR EACH STATEMENT EXECUTE FUNCTION stances_alone();
