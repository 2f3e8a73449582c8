-- Writes that a workflow in n8n makes for us.

ALTER TABLE record_links ADD COLUMN errand jsonb, ADD COLUMN hinted_id text;
COMMENT ON COLUMN record_links.errand IS
    'The write that is in a workflow''s hands: {event_id, action, version, mapping, until, reported}';
COMMENT ON COLUMN record_links.hinted_id IS
    'The id that a workflow reported for the object; it becomes external_id once a read has shown it';

CREATE TABLE sync_callbacks (
    event_id       text PRIMARY KEY,
    tenant_id      text        NOT NULL,
    integration_id text        NOT NULL,
    body_hash      text        NOT NULL,
    answer         jsonb       NOT NULL,
    received_at    timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (integration_id, tenant_id) REFERENCES tenant_integrations (id, tenant_id) ON DELETE CASCADE
);
CREATE INDEX sync_callbacks_by_age ON sync_callbacks (received_at);
COMMENT ON TABLE sync_callbacks IS 'What workflows have reported, so that a repetition gets the first answer';
COMMENT ON COLUMN sync_callbacks.event_id IS 'evt_…, the write that was reported';
COMMENT ON COLUMN sync_callbacks.tenant_id IS 'Whose it is';
COMMENT ON COLUMN sync_callbacks.integration_id IS 'By which integration';
COMMENT ON COLUMN sync_callbacks.body_hash IS 'A fingerprint of what was reported; another report of the same write is refused';
COMMENT ON COLUMN sync_callbacks.answer IS 'What was answered';
COMMENT ON COLUMN sync_callbacks.received_at IS 'When it was reported';

CREATE TABLE workflow_creates (
    event_id       text PRIMARY KEY,
    tenant_id      text        NOT NULL,
    integration_id text        NOT NULL,
    link_id        text        NOT NULL,
    started_at     timestamptz NOT NULL DEFAULT now(),
    answered_at    timestamptz,
    status         integer,
    answer         jsonb,
    FOREIGN KEY (integration_id, tenant_id) REFERENCES tenant_integrations (id, tenant_id) ON DELETE CASCADE
);
CREATE INDEX workflow_creates_by_link ON workflow_creates (link_id, started_at);
CREATE INDEX workflow_creates_by_age ON workflow_creates (started_at);
COMMENT ON TABLE workflow_creates IS 'Creates that workflows made through the gateway, so that a repetition gets the first result';
COMMENT ON COLUMN workflow_creates.event_id IS 'evt_…, the write that the create is a part of';
COMMENT ON COLUMN workflow_creates.tenant_id IS 'Whose it is';
COMMENT ON COLUMN workflow_creates.integration_id IS 'By which integration';
COMMENT ON COLUMN workflow_creates.link_id IS 'lnk_…, of which link; one create of a link is under way at a time';
COMMENT ON COLUMN workflow_creates.started_at IS 'When it began';
COMMENT ON COLUMN workflow_creates.answered_at IS 'When the platform answered; null while nobody knows what came of it';
COMMENT ON COLUMN workflow_creates.status IS 'The HTTP status that was passed on';
COMMENT ON COLUMN workflow_creates.answer IS 'The body that was passed on';

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['sync_callbacks', 'workflow_creates'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY gateway_own_tenant ON %I TO coccinelle_gateway USING (tenant_id = current_tenant())', name);
        EXECUTE format('CREATE POLICY worker_all_tenants ON %I TO coccinelle_worker USING (true)', name);
        EXECUTE format('CREATE POLICY owner_all_tenants ON %I TO CURRENT_USER USING (true)', name);
        EXECUTE format('GRANT SELECT, DELETE ON %I TO coccinelle_worker', name);
    END LOOP;
END
$$;
GRANT SELECT, INSERT ON sync_callbacks TO coccinelle_gateway;
GRANT SELECT, INSERT, UPDATE (answered_at, status, answer, started_at), DELETE ON workflow_creates TO coccinelle_gateway;
