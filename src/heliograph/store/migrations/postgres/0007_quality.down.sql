DROP INDEX messages_accepted;
DROP TABLE leaders;
DROP TABLE conversions;
