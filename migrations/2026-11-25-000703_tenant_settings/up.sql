CREATE TABLE tenant_settings (
    tenant_id      text PRIMARY KEY REFERENCES tenants (id) ON DELETE CASCADE,
    version        bigint      NOT NULL DEFAULT 1,
    language       text        NOT NULL,
    time_zone      text        NOT NULL,
    alert_emails   text[]      NOT NULL DEFAULT '{}',
    alert_webhooks jsonb       NOT NULL DEFAULT '[]',
    alert_webhooks_sealed text,
    retention_days integer,
    redaction      jsonb       NOT NULL DEFAULT '{}',
    updated_at     timestamptz NOT NULL DEFAULT now()
);

COMMENT ON TABLE tenant_settings IS 'What a tenant has set for itself; a tenant without a row has the defaults. Its conflict policy stands in tenants';
COMMENT ON COLUMN tenant_settings.tenant_id IS 'Whose they are';
COMMENT ON COLUMN tenant_settings.version IS 'Counts the changes; a tenant without a row is at 0';
COMMENT ON COLUMN tenant_settings.language IS 'The language of mails and pages: fr or en';
COMMENT ON COLUMN tenant_settings.time_zone IS 'The zone in which days begin, by its IANA name';
COMMENT ON COLUMN tenant_settings.alert_emails IS 'Who is told of trouble';
COMMENT ON COLUMN tenant_settings.alert_webhooks IS 'What is told of trouble: name, form and host of each';
COMMENT ON COLUMN tenant_settings.alert_webhooks_sealed IS
    'Name to address and secret of each, as one JSON text, sealed under the tenant''s data key';
COMMENT ON COLUMN tenant_settings.retention_days IS 'For how many days its logs are kept; null: as long as any';
COMMENT ON COLUMN tenant_settings.redaction IS 'What is taken out of logged bodies: field names, patterns, e-mail addresses, telephone numbers';
COMMENT ON COLUMN tenant_settings.updated_at IS 'When they were last changed';

ALTER TABLE tenant_settings ENABLE ROW LEVEL SECURITY;
ALTER TABLE tenant_settings FORCE ROW LEVEL SECURITY;
CREATE POLICY gateway_own_tenant ON tenant_settings TO coccinelle_gateway USING (tenant_id = current_tenant());
CREATE POLICY worker_all_tenants ON tenant_settings TO coccinelle_worker USING (true);
CREATE POLICY owner_all_tenants ON tenant_settings TO CURRENT_USER USING (true);

GRANT SELECT, INSERT, UPDATE ON tenant_settings TO coccinelle_gateway;
GRANT SELECT ON tenant_settings TO coccinelle_worker;

-- A tenant may want its logs kept for less time than their partitions are.
GRANT DELETE ON integration_sync_logs, integration_webhook_logs TO coccinelle_worker;
