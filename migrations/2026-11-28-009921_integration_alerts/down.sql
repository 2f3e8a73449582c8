ALTER TABLE tenant_integrations DROP COLUMN alerts;
