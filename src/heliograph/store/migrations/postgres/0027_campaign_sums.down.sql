DROP TABLE campaign_sums;
