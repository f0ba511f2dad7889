DELETE FROM declared WHERE kind = 'policy';
ALTER TABLE declared ADD CONSTRAINT declared_kind_check CHECK (kind IN ('connector', 'route', 'sender', 'endpoint'));
ALTER TABLE messages DROP COLUMN topic;

CREATE TABLE suppressions (
    workspace BIGINT NOT NULL,
    number TEXT NOT NULL,
    consent BIGINT NOT NULL REFERENCES consents (id),
    at BIGINT NOT NULL,
    PRIMARY KEY (workspace, number)
);
INSERT INTO suppressions SELECT s.workspace, s.number, s.record, s.out_at FROM stances s JOIN consents c ON c.id = s.record
    WHERE s.scope = '*' AND s.out_at IS NOT NULL AND c.action = 'opt_out';
CREATE FUNCTION suppressions_alone() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(7246572);
    RETURN NULL;
END $$;
CREATE TRIGGER suppressions_alone BEFORE INSERT ON suppressions
    FOR EACH STATEMENT EXECUTE FUNCTION suppressions_alone();
DROP TABLE stances;
DROP FUNCTION stances_alone;
DROP INDEX consents_contact;
DELETE FROM consents WHERE (action NOT IN ('opt_in', 'opt_out') OR scope <> '*')
    AND NOT EXISTS (SELECT 1 FROM suppressions s WHERE s.consent = consents.id);
ALTER TABLE consents
    DROP COLUMN contact,
    DROP COLUMN scope,
    DROP COLUMN channel,
    DROP COLUMN language,
    DROP COLUMN text,
    DROP COLUMN text_version,
    DROP COLUMN ip,
    DROP COLUMN user_agent,
    DROP COLUMN message,
    DROP COLUMN until,
    DROP COLUMN actor,
    DROP COLUMN recorded_at,
    DROP CONSTRAINT consents_action_check,
    ADD CONSTRAINT consents_action_check CHECK (action IN ('opt_in', 'opt_out'));
DROP TABLE contact_addresses;
DROP TABLE contacts;
