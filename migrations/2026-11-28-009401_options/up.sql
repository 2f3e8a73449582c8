ALTER TABLE tenant_integrations
    ADD COLUMN options jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(options) = 'object');

COMMENT ON COLUMN tenant_integrations.options IS
    'What the tenant chose of the choices that its connector offers: {option: choice}; what is not there is as the connector begins';
