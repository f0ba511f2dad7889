DROP TABLE leaders;
DROP TABLE conversions;
