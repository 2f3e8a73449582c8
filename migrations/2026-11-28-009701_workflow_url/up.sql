ALTER TABLE tenant_integrations ADD COLUMN workflow_url text;

COMMENT ON COLUMN tenant_integrations.workflow_url IS
    'The address of the tenant''s own workflow, as it was typed; null where the operator''s takes the writes';
