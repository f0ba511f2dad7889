DROP TABLE automatic_replies;
DROP TABLE conversation_entries;
DROP TABLE conversations;
DROP INDEX inbound_environment;
DROP INDEX inbound_unsettled;
ALTER TABLE inbound DROP COLUMN found;
ALTER TABLE inbound DROP COLUMN conversation;
ALTER TABLE inbound DROP COLUMN settled_at;
