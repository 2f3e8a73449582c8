ALTER TABLE tenant_integrations ADD COLUMN account_name text;

COMMENT ON COLUMN tenant_integrations.account_name IS
    'What the platform called the account when it was connected';
