CREATE TABLE integration_webhook_secrets (
    integration_id  text PRIMARY KEY,
    tenant_id       text        NOT NULL,
    secret_sealed   text        NOT NULL,
    hint            text        NOT NULL,
    previous_sealed text,
    previous_until  timestamptz,
    rotated_at      timestamptz NOT NULL DEFAULT now(),
    CHECK ((previous_sealed IS NULL) = (previous_until IS NULL)),
    FOREIGN KEY (integration_id, tenant_id) REFERENCES tenant_integrations (id, tenant_id) ON DELETE CASCADE
);

COMMENT ON TABLE integration_webhook_secrets IS
    'The secret that signs the webhooks of an integration, where it is ours to choose: the present one and the one before';
COMMENT ON COLUMN integration_webhook_secrets.integration_id IS 'Which integration';
COMMENT ON COLUMN integration_webhook_secrets.tenant_id IS 'Whose it is';
COMMENT ON COLUMN integration_webhook_secrets.secret_sealed IS 'The present secret, sealed under the tenant''s data key';
COMMENT ON COLUMN integration_webhook_secrets.hint IS 'What may be shown of the present secret';
COMMENT ON COLUMN integration_webhook_secrets.previous_sealed IS
    'The secret before, sealed likewise; null where there was none';
COMMENT ON COLUMN integration_webhook_secrets.previous_until IS 'Until when the secret before still verifies';
COMMENT ON COLUMN integration_webhook_secrets.rotated_at IS 'When the present secret was made';

ALTER TABLE integration_webhook_secrets ENABLE ROW LEVEL SECURITY;
ALTER TABLE integration_webhook_secrets FORCE ROW LEVEL SECURITY;
CREATE POLICY gateway_own_tenant ON integration_webhook_secrets
    TO coccinelle_gateway USING (tenant_id = current_tenant());
CREATE POLICY worker_all_tenants ON integration_webhook_secrets TO coccinelle_worker USING (true);
CREATE POLICY owner_all_tenants ON integration_webhook_secrets TO CURRENT_USER USING (true);

GRANT SELECT, INSERT, UPDATE, DELETE ON integration_webhook_secrets TO coccinelle_gateway;
GRANT SELECT ON integration_webhook_secrets TO coccinelle_worker;
