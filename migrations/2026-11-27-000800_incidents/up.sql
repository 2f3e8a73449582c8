CREATE TABLE incidents (
    id             text PRIMARY KEY,
    tenant_id      text REFERENCES tenants (id) ON DELETE CASCADE,
    integration_id text,
    subject        text        NOT NULL,
    trigger        text        NOT NULL,
    detail         jsonb       NOT NULL DEFAULT '{}',
    opened_at      timestamptz NOT NULL DEFAULT now(),
    ended_at       timestamptz,
    told_at        timestamptz,
    told_end_at    timestamptz,
    FOREIGN KEY (integration_id, tenant_id) REFERENCES tenant_integrations (id, tenant_id) ON DELETE CASCADE
);
-- Two who find the same open it once.
CREATE UNIQUE INDEX incidents_open ON incidents (subject, trigger) WHERE ended_at IS NULL;
CREATE INDEX incidents_untold ON incidents (tenant_id) WHERE told_at IS NULL OR told_end_at IS NULL;
CREATE INDEX incidents_by_integration ON incidents (integration_id, opened_at DESC);
CREATE INDEX incidents_by_tenant ON incidents (tenant_id, opened_at DESC);

COMMENT ON TABLE incidents IS 'Trouble that somebody is told of, from its beginning to its end; found by log-writer';
COMMENT ON COLUMN incidents.id IS 'inc_…';
COMMENT ON COLUMN incidents.tenant_id IS 'Whose it is; null where it is the operators''';
COMMENT ON COLUMN incidents.integration_id IS 'Of which integration; null where it is the operators''';
COMMENT ON COLUMN incidents.subject IS 'What is in trouble: the integration''s id; for operators a platform''s slug or a queue''s name';
COMMENT ON COLUMN incidents.trigger IS
    'failing, reauth_required, webhook_unverified, webhook_removed, drift; for operators platform_down or dead_letters';
COMMENT ON COLUMN incidents.detail IS 'What was seen when it began: a cause, counts';
COMMENT ON COLUMN incidents.opened_at IS 'When it was found';
COMMENT ON COLUMN incidents.ended_at IS 'When it was found to be over; null while it lasts';
COMMENT ON COLUMN incidents.told_at IS 'When its beginning was told, or found not to be worth telling; null while it is not';
COMMENT ON COLUMN incidents.told_end_at IS 'When its end was told, or found not to be worth telling; null while it is not';

CREATE TABLE alert_messages (
    id          text PRIMARY KEY,
    tenant_id   text REFERENCES tenants (id) ON DELETE CASCADE,
    channel     text        NOT NULL CHECK (channel IN ('email', 'webhook')),
    target      text        NOT NULL,
    content     jsonb       NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    attempts    integer     NOT NULL DEFAULT 0,
    due_at      timestamptz NOT NULL DEFAULT now(),
    sent_at     timestamptz,
    given_up_at timestamptz,
    last_error  text
);
CREATE INDEX alert_messages_due ON alert_messages (due_at) WHERE sent_at IS NULL AND given_up_at IS NULL;
CREATE INDEX alert_messages_by_tenant ON alert_messages (tenant_id, created_at DESC);

COMMENT ON TABLE alert_messages IS
    'What people are told of incidents, one row for each address; written in the transaction that notes them as told, and sent after it';
COMMENT ON COLUMN alert_messages.id IS 'msg_…; the mail''s Message-ID and the webhook''s id, so that whoever gets it twice can tell';
COMMENT ON COLUMN alert_messages.tenant_id IS 'Whom it is for; null where it is for the operators';
COMMENT ON COLUMN alert_messages.channel IS 'email or webhook';
COMMENT ON COLUMN alert_messages.target IS 'The address; of a webhook its name in tenant_settings.alert_webhooks';
COMMENT ON COLUMN alert_messages.content IS 'Subject, text and HTML of a mail; the JSON of a webhook';
COMMENT ON COLUMN alert_messages.created_at IS 'When it was written';
COMMENT ON COLUMN alert_messages.attempts IS 'How often it was tried to send it';
COMMENT ON COLUMN alert_messages.due_at IS 'When it is to be tried next; whoever tries moves it on first, so that nobody else tries meanwhile';
COMMENT ON COLUMN alert_messages.sent_at IS 'When the other side took it';
COMMENT ON COLUMN alert_messages.given_up_at IS 'When it was given up, since the other side refuses it for good';
COMMENT ON COLUMN alert_messages.last_error IS 'Why the last attempt failed';

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['incidents', 'alert_messages'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY gateway_own_tenant ON %I TO coccinelle_gateway '
                       'USING (tenant_id = current_tenant())', name);
        EXECUTE format('CREATE POLICY worker_all_tenants ON %I TO coccinelle_worker USING (true)', name);
        EXECUTE format('CREATE POLICY owner_all_tenants ON %I TO CURRENT_USER USING (true)', name);
        EXECUTE format('GRANT SELECT ON %I TO coccinelle_gateway', name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO coccinelle_worker', name);
    END LOOP;
END
$$;

-- Refused deliveries are few, since they are capped; so those of the last hour are found without looking at the others.
CREATE INDEX integration_webhook_logs_refused ON integration_webhook_logs (created_at, integration_id)
    WHERE outcome = 'refused' AND integration_id IS NOT NULL;
