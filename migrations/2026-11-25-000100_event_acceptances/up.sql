-- When events of senders whose clocks ran ahead were first accepted: sent again, they are no newer than they were then.

CREATE TABLE event_acceptances (
    tenant_id   text        NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    subject_id  text        NOT NULL,
    event_id    text        NOT NULL,
    accepted_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, subject_id, event_id)
);
CREATE INDEX event_acceptances_by_age ON event_acceptances (accepted_at);
COMMENT ON TABLE event_acceptances IS
    'Events whose own time lay ahead of their acceptance, for as long as they may be sent again';
COMMENT ON COLUMN event_acceptances.tenant_id IS 'Whose they are';
COMMENT ON COLUMN event_acceptances.subject_id IS 'The sender''s id of the prospect, appointment or call';
COMMENT ON COLUMN event_acceptances.event_id IS 'The sender''s id of the event';
COMMENT ON COLUMN event_acceptances.accepted_at IS 'When it was first accepted, which is the time that it counts from';

ALTER TABLE event_acceptances ENABLE ROW LEVEL SECURITY;
ALTER TABLE event_acceptances FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_only ON event_acceptances TO coccinelle_gateway
    USING (tenant_id = nullif(current_setting('app.tenant_id', true), ''));
CREATE POLICY every_tenant ON event_acceptances TO coccinelle_worker USING (true);
GRANT SELECT ON event_acceptances TO coccinelle_gateway;
GRANT SELECT, INSERT, UPDATE, DELETE ON event_acceptances TO coccinelle_worker;
