ALTER TABLE tenant_integrations DROP COLUMN workflow_url;
