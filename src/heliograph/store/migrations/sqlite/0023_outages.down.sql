DROP TABLE drills;
DROP TABLE outages;
DROP TABLE shut_connectors;
