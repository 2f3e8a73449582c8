CREATE TABLE breakers (
    subject        text PRIMARY KEY,
    platform       text        NOT NULL,
    integration_id text REFERENCES tenant_integrations (id) ON DELETE CASCADE,
    failures       integer     NOT NULL DEFAULT 0,
    failing_since  timestamptz,
    answered_at    timestamptz,
    opened_at      timestamptz,
    pause          interval,
    probe_at       timestamptz,
    CHECK ((opened_at IS NULL) = (probe_at IS NULL) AND (opened_at IS NULL) = (pause IS NULL))
) WITH (fillfactor = 50);
CREATE INDEX breakers_by_platform ON breakers (platform);
CREATE INDEX breakers_by_integration ON breakers (integration_id);
COMMENT ON TABLE breakers IS
    'Who does not answer: integrations whose platform fails them, and platforms that fail everybody. An open one is left alone by all replicas, but for one that looks now and then';
COMMENT ON COLUMN breakers.subject IS 'An integration''s id, or the slug of a platform';
COMMENT ON COLUMN breakers.platform IS 'The platform''s slug';
COMMENT ON COLUMN breakers.integration_id IS 'The integration; null where the row is of the whole platform';
COMMENT ON COLUMN breakers.failures IS 'Batches of the integration in a row that were not answered; 0 for a platform';
COMMENT ON COLUMN breakers.failing_since IS 'When the first of these was';
COMMENT ON COLUMN breakers.answered_at IS 'When the platform last answered anybody, to about a second; null for an integration';
COMMENT ON COLUMN breakers.opened_at IS 'Since when nobody calls; null while it is closed';
COMMENT ON COLUMN breakers.pause IS 'How long it is left alone after the next look that finds it still away; grows with each';
COMMENT ON COLUMN breakers.probe_at IS 'When somebody looks again; whoever does moves it on first';

-- No tenant's row to show: an outage is everybody's, and an integration's own is told by its status.
GRANT SELECT, INSERT, UPDATE, DELETE ON breakers TO coccinelle_worker;
