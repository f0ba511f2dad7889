ALTER TABLE clients DROP COLUMN auth_token;
