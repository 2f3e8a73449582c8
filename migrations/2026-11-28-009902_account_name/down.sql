ALTER TABLE tenant_integrations DROP COLUMN account_name;
