-- Each secret that was replaced verifies for its own day, however often the present one is replaced meanwhile.

CREATE TABLE integration_previous_secrets (
    integration_id  text        NOT NULL,
    tenant_id       text        NOT NULL,
    previous_sealed text        NOT NULL,
    made_at         timestamptz NOT NULL,
    verifies_until  timestamptz NOT NULL,
    PRIMARY KEY (integration_id, made_at),
    FOREIGN KEY (integration_id, tenant_id) REFERENCES tenant_integrations (id, tenant_id) ON DELETE CASCADE
);

COMMENT ON TABLE integration_previous_secrets IS
    'Secrets of webhooks that were replaced, and until when each still verifies; what has ended goes with the next replacement';
COMMENT ON COLUMN integration_previous_secrets.integration_id IS 'Whose webhooks it signed';
COMMENT ON COLUMN integration_previous_secrets.tenant_id IS 'Whose it is';
COMMENT ON COLUMN integration_previous_secrets.previous_sealed IS 'The secret, sealed under the tenant''s data key';
COMMENT ON COLUMN integration_previous_secrets.made_at IS 'When it was made';
COMMENT ON COLUMN integration_previous_secrets.verifies_until IS 'Until when it still verifies';

ALTER TABLE integration_previous_secrets ENABLE ROW LEVEL SECURITY;
ALTER TABLE integration_previous_secrets FORCE ROW LEVEL SECURITY;
CREATE POLICY gateway_own_tenant ON integration_previous_secrets
    TO coccinelle_gateway USING (tenant_id = current_tenant());
CREATE POLICY worker_all_tenants ON integration_previous_secrets TO coccinelle_worker USING (true);
CREATE POLICY owner_all_tenants ON integration_previous_secrets TO CURRENT_USER USING (true);

GRANT SELECT, INSERT, DELETE ON integration_previous_secrets TO coccinelle_gateway, coccinelle_worker;

INSERT INTO integration_previous_secrets (integration_id, tenant_id, previous_sealed, made_at, verifies_until)
SELECT integration_id, tenant_id, previous_sealed, rotated_at, previous_until
FROM integration_webhook_secrets WHERE previous_until > now();

ALTER TABLE integration_webhook_secrets DROP COLUMN previous_sealed, DROP COLUMN previous_until;
COMMENT ON TABLE integration_webhook_secrets IS
    'The secret that signs the webhooks of an integration, where it is ours to choose';

COMMENT ON COLUMN idempotency_keys.key_hash IS 'SHA-256 of the method, the pattern of the path and the key';
COMMENT ON COLUMN idempotency_keys.request_hash IS 'SHA-256 of the body and the version that is to be replaced';
-- What was kept by caller is found no more.
DELETE FROM idempotency_keys;
