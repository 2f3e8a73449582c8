CREATE TABLE tenant_integrations (
    id               text PRIMARY KEY,
    tenant_id        text        NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    platform         text        NOT NULL,
    name             text        NOT NULL,
    config_encrypted text,
    enabled          boolean     NOT NULL DEFAULT true,
    direction        text        NOT NULL DEFAULT 'bidirectional'
        CHECK (direction IN ('bidirectional', 'to_platform', 'from_platform')),
    kind_directions  jsonb       NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(kind_directions) = 'object'),
    frequency        text        NOT NULL DEFAULT 'realtime' CHECK (frequency IN ('realtime', 'hourly', 'daily')),
    delivery         text        NOT NULL DEFAULT 'direct' CHECK (delivery IN ('direct', 'n8n')),
    account_id       text,
    url              text,
    version          bigint      NOT NULL DEFAULT 1,
    created_at       timestamptz NOT NULL DEFAULT now(),
    updated_at       timestamptz NOT NULL DEFAULT now(),
    deleted_at       timestamptz,
    -- What other tables refer to, so that no row can name one tenant and another one's integration.
    UNIQUE (id, tenant_id)
);

CREATE UNIQUE INDEX tenant_integrations_one_per_account
    ON tenant_integrations (tenant_id, platform, account_id) WHERE deleted_at IS NULL;
CREATE INDEX tenant_integrations_by_account
    ON tenant_integrations (platform, account_id) WHERE deleted_at IS NULL;

COMMENT ON TABLE tenant_integrations IS
    'One connection of a tenant to one platform account; Coccinelle''s own backend has one for each tenant as well';
COMMENT ON COLUMN tenant_integrations.id IS 'int_…';
COMMENT ON COLUMN tenant_integrations.tenant_id IS 'Whose it is';
COMMENT ON COLUMN tenant_integrations.platform IS 'The platform''s slug, as in available_integrations';
COMMENT ON COLUMN tenant_integrations.name IS 'The name that the tenant gave it';
COMMENT ON COLUMN tenant_integrations.config_encrypted IS
    'The credentials, sealed under the tenant''s data key; null where there are none, and once it was deleted';
COMMENT ON COLUMN tenant_integrations.enabled IS 'Whether data flows';
COMMENT ON COLUMN tenant_integrations.direction IS 'Which way data flows, unless its kind says otherwise';
COMMENT ON COLUMN tenant_integrations.kind_directions IS 'Kinds of record with a direction of their own: {kind: direction}';
COMMENT ON COLUMN tenant_integrations.frequency IS 'When data flows';
COMMENT ON COLUMN tenant_integrations.delivery IS 'By our own connector, or by a workflow in n8n';
COMMENT ON COLUMN tenant_integrations.account_id IS
    'The platform''s id of the connected account; a tenant connects an account once';
COMMENT ON COLUMN tenant_integrations.url IS 'The address of a shop or instance, where the platform needs one';
COMMENT ON COLUMN tenant_integrations.version IS 'Counts the changes of the configuration; its ETag';
COMMENT ON COLUMN tenant_integrations.created_at IS 'When it was made';
COMMENT ON COLUMN tenant_integrations.updated_at IS 'When its configuration last changed';
COMMENT ON COLUMN tenant_integrations.deleted_at IS 'When the tenant deleted it; null while it lives';

ALTER TABLE tenant_integrations ENABLE ROW LEVEL SECURITY;
ALTER TABLE tenant_integrations FORCE ROW LEVEL SECURITY;
CREATE POLICY gateway_own_tenant ON tenant_integrations TO coccinelle_gateway USING (tenant_id = current_tenant());
CREATE POLICY worker_all_tenants ON tenant_integrations TO coccinelle_worker USING (true);
CREATE POLICY owner_all_tenants ON tenant_integrations TO CURRENT_USER USING (true);

GRANT SELECT, INSERT, UPDATE ON tenant_integrations TO coccinelle_gateway;
GRANT SELECT ON tenant_integrations TO coccinelle_worker;

CREATE TABLE integration_health (
    integration_id   text PRIMARY KEY,
    tenant_id        text        NOT NULL,
    status           text        NOT NULL DEFAULT 'active'
        CHECK (status IN ('active', 'inactive', 'error', 'reauth_required', 'platform_down')),
    cause            text,
    last_sync_at     timestamptz,
    last_sync_status text CHECK (last_sync_status IN ('success', 'failed')),
    last_success_at  timestamptz,
    last_error       text,
    last_error_at    timestamptz,
    error_count      bigint      NOT NULL DEFAULT 0,
    updated_at       timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (integration_id, tenant_id) REFERENCES tenant_integrations (id, tenant_id) ON DELETE CASCADE
);

COMMENT ON TABLE integration_health IS 'How an integration is; made with it, kept by log-writer';
COMMENT ON COLUMN integration_health.integration_id IS 'Which integration';
COMMENT ON COLUMN integration_health.tenant_id IS 'Whose it is';
COMMENT ON COLUMN integration_health.status IS
    'active, inactive, error (the last attempts failed), reauth_required or platform_down';
COMMENT ON COLUMN integration_health.cause IS 'Why the status is what it is, in a sentence for the tenant';
COMMENT ON COLUMN integration_health.last_sync_at IS 'When the newest attempt ended';
COMMENT ON COLUMN integration_health.last_sync_status IS 'How the newest attempt ended';
COMMENT ON COLUMN integration_health.last_success_at IS 'When the newest successful attempt ended';
COMMENT ON COLUMN integration_health.last_error IS 'The message of the newest failure';
COMMENT ON COLUMN integration_health.last_error_at IS 'When the newest failed attempt ended';
COMMENT ON COLUMN integration_health.error_count IS 'How many attempts failed since the last success';
COMMENT ON COLUMN integration_health.updated_at IS 'When this row last changed';

ALTER TABLE integration_health ENABLE ROW LEVEL SECURITY;
ALTER TABLE integration_health FORCE ROW LEVEL SECURITY;
CREATE POLICY gateway_own_tenant ON integration_health TO coccinelle_gateway USING (tenant_id = current_tenant());
CREATE POLICY worker_all_tenants ON integration_health TO coccinelle_worker USING (true);
CREATE POLICY owner_all_tenants ON integration_health TO CURRENT_USER USING (true);

-- The gateway makes the row and says what a test or a switch has shown; what syncs show is log-writer's.
GRANT SELECT, INSERT, UPDATE (status, cause, error_count, updated_at) ON integration_health TO coccinelle_gateway;
GRANT SELECT, INSERT, UPDATE ON integration_health TO coccinelle_worker;

CREATE TABLE integration_oauth_tokens (
    integration_id       text PRIMARY KEY,
    tenant_id            text        NOT NULL,
    access_token_sealed  text        NOT NULL,
    refresh_token_sealed text,
    expires_at           timestamptz,
    scopes               text[]      NOT NULL DEFAULT '{}',
    lease_token          text,
    lease_expires_at     timestamptz,
    updated_at           timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (integration_id, tenant_id) REFERENCES tenant_integrations (id, tenant_id) ON DELETE CASCADE
);

COMMENT ON TABLE integration_oauth_tokens IS 'The OAuth grant of an integration, apart from its configuration';
COMMENT ON COLUMN integration_oauth_tokens.integration_id IS 'Which integration';
COMMENT ON COLUMN integration_oauth_tokens.tenant_id IS 'Whose it is';
COMMENT ON COLUMN integration_oauth_tokens.access_token_sealed IS 'The access token, sealed under the tenant''s data key';
COMMENT ON COLUMN integration_oauth_tokens.refresh_token_sealed IS
    'The refresh token, sealed under the tenant''s data key; null where the platform gives none';
COMMENT ON COLUMN integration_oauth_tokens.expires_at IS 'When the access token ceases to be valid; null where it does not';
COMMENT ON COLUMN integration_oauth_tokens.scopes IS 'What the grant permits, in the platform''s words';
COMMENT ON COLUMN integration_oauth_tokens.lease_token IS 'Who is refreshing the grant now: lease_…';
COMMENT ON COLUMN integration_oauth_tokens.lease_expires_at IS 'When the refresh may be taken over';
COMMENT ON COLUMN integration_oauth_tokens.updated_at IS 'When the tokens last changed';

ALTER TABLE integration_oauth_tokens ENABLE ROW LEVEL SECURITY;
ALTER TABLE integration_oauth_tokens FORCE ROW LEVEL SECURITY;
CREATE POLICY gateway_own_tenant ON integration_oauth_tokens TO coccinelle_gateway USING (tenant_id = current_tenant());
CREATE POLICY worker_all_tenants ON integration_oauth_tokens TO coccinelle_worker USING (true);

GRANT SELECT, INSERT, UPDATE, DELETE ON integration_oauth_tokens TO coccinelle_gateway;
GRANT SELECT, UPDATE ON integration_oauth_tokens TO coccinelle_worker;
