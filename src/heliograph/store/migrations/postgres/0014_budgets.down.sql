DROP TABLE clicks;
DROP TABLE links;
DROP TABLE tallies;
