ALTER TABLE integration_oauth_tokens
    ADD COLUMN edition text NOT NULL DEFAULT '',
    ADD COLUMN refresh_expires_at timestamptz,
    ADD COLUMN base_url text,
    ADD COLUMN shown_at timestamptz,
    ADD COLUMN refreshed_at timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN ended_cause text;

COMMENT ON COLUMN integration_oauth_tokens.edition IS
    'Another text with every change of the tokens, by which one who comes late sees that they are not what it has read';
COMMENT ON COLUMN integration_oauth_tokens.refresh_expires_at IS
    'When the refresh token ceases to be valid unless it is used before; null where the platform does not say';
COMMENT ON COLUMN integration_oauth_tokens.base_url IS
    'Where the account''s interface begins, as the platform told it with the grant; null where it is the same for all';
COMMENT ON COLUMN integration_oauth_tokens.shown_at IS
    'Since when the refresh token may have been shown to the platform without an answer that was kept; null once there is one';
COMMENT ON COLUMN integration_oauth_tokens.refreshed_at IS 'When the grant was last given or refreshed';
COMMENT ON COLUMN integration_oauth_tokens.ended_cause IS
    'Why the grant is good no more, in a sentence for the tenant; null while it is';

CREATE INDEX integration_oauth_tokens_idle ON integration_oauth_tokens (refreshed_at) WHERE ended_cause IS NULL;

CREATE TABLE oauth_states (
    tenant_id      text        NOT NULL,
    state_hash     text        NOT NULL,
    integration_id text        NOT NULL,
    sub            text        NOT NULL,
    browser_hash   text        NOT NULL,
    site           text,
    started_at     timestamptz NOT NULL DEFAULT now(),
    expires_at     timestamptz NOT NULL,
    spent_at       timestamptz,
    PRIMARY KEY (tenant_id, state_hash),
    FOREIGN KEY (integration_id, tenant_id) REFERENCES tenant_integrations (id, tenant_id) ON DELETE CASCADE
);

CREATE INDEX oauth_states_by_integration ON oauth_states (integration_id);

COMMENT ON TABLE oauth_states IS 'Consents that were begun on a platform''s page, each good for one callback';
COMMENT ON COLUMN oauth_states.tenant_id IS 'Whose it is';
COMMENT ON COLUMN oauth_states.state_hash IS 'A hash of the state that travels through the platform';
COMMENT ON COLUMN oauth_states.integration_id IS 'Which integration is to be connected';
COMMENT ON COLUMN oauth_states.sub IS 'Who began it';
COMMENT ON COLUMN oauth_states.browser_hash IS 'A hash of the cookie of the browser in which it was begun';
COMMENT ON COLUMN oauth_states.site IS 'The name of the tenant''s site at the platform; null where it has none';
COMMENT ON COLUMN oauth_states.started_at IS 'When it was begun';
COMMENT ON COLUMN oauth_states.expires_at IS 'Until when it is good';
COMMENT ON COLUMN oauth_states.spent_at IS 'When its callback came; null until then';

CREATE TABLE integration_subscriptions (
    integration_id text PRIMARY KEY,
    tenant_id      text        NOT NULL,
    checked_at     timestamptz NOT NULL,
    problem        text,
    FOREIGN KEY (integration_id, tenant_id) REFERENCES tenant_integrations (id, tenant_id) ON DELETE CASCADE
);

COMMENT ON TABLE integration_subscriptions IS
    'When it was last seen to that a platform calls us for an integration, where that is subscribed account by account';
COMMENT ON COLUMN integration_subscriptions.integration_id IS 'Which integration';
COMMENT ON COLUMN integration_subscriptions.tenant_id IS 'Whose it is';
COMMENT ON COLUMN integration_subscriptions.checked_at IS 'When somebody last looked, or began to';
COMMENT ON COLUMN integration_subscriptions.problem IS
    'Why the platform could not be made to call, in a sentence; null where it was';

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['oauth_states', 'integration_subscriptions'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY gateway_own_tenant ON %I TO coccinelle_gateway USING (tenant_id = current_tenant())', name);
        EXECUTE format('CREATE POLICY worker_all_tenants ON %I TO coccinelle_worker USING (true)', name);
        EXECUTE format('CREATE POLICY owner_all_tenants ON %I TO CURRENT_USER USING (true)', name);
    END LOOP;
END
$$;

GRANT SELECT, INSERT, UPDATE, DELETE ON oauth_states TO coccinelle_gateway;
GRANT SELECT, INSERT, UPDATE, DELETE ON integration_subscriptions TO coccinelle_gateway;
GRANT SELECT, INSERT, UPDATE ON integration_subscriptions TO coccinelle_worker;
-- A platform may choose the secret, and does so anew when a subscription had to be made again.
GRANT INSERT, UPDATE ON integration_webhook_secrets TO coccinelle_worker;

-- Runs as its owner: the gateway sees nothing of other tenants, and learns here no more than whether there is one.
CREATE FUNCTION account_has_others(of_platform text, of_account text, besides text) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    SELECT EXISTS (
        SELECT FROM tenant_integrations
        WHERE platform = of_platform AND account_id = of_account AND id <> besides AND deleted_at IS NULL)
$$;

COMMENT ON FUNCTION account_has_others(text, text, text) IS
    'Whether any integration but that one, of whatever tenant, is connected to an account';
REVOKE ALL ON FUNCTION account_has_others(text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION account_has_others(text, text, text) TO coccinelle_gateway, coccinelle_worker;
