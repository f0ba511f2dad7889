ALTER TABLE verifications DROP COLUMN email;
DROP TABLE push_subscriptions;
DROP TABLE plan_steps;
DROP TABLE plan_runs;
DELETE FROM declared WHERE kind = 'plan';
DELETE FROM declared_history WHERE kind = 'plan';
DROP TABLE mails;
ALTER TABLE messages DROP COLUMN content;
ALTER TABLE messages DROP COLUMN channel;
