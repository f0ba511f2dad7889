DROP TABLE campaign_refusals;
DROP TABLE campaign_variants;
DROP TABLE campaigns;
DROP TABLE audience_faults;
DROP TABLE audience_rows;
DROP TABLE audiences;
