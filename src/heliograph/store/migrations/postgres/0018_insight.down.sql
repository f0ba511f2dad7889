DROP TABLE goals;
DROP TABLE rolled;
DROP INDEX deliveries_event;
DROP TABLE open_deliveries;
DROP TABLE counted;
DROP TABLE rollup_facts;
DROP TABLE rollup_times;
DROP TABLE rollups;
