ALTER TABLE tenant_integrations ADD COLUMN alerts jsonb NOT NULL DEFAULT '{}';

COMMENT ON COLUMN tenant_integrations.alerts IS
    'Who hears of its trouble (to: tenant, addresses or nobody; emails) and of which (triggers; all where there are none)';
