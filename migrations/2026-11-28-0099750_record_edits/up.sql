-- What is on its way to a record lies here, since the message that names it may be lost with its queue.
CREATE TABLE record_edits (
    link_id        text PRIMARY KEY,
    tenant_id      text        NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    integration_id text        NOT NULL,
    record_id      text        NOT NULL REFERENCES records (id) ON DELETE CASCADE,
    fields         jsonb       NOT NULL,
    asked_by       text        NOT NULL,
    asked_at       timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (integration_id, tenant_id) REFERENCES tenant_integrations (id, tenant_id) ON DELETE CASCADE
);
CREATE INDEX record_edits_by_record ON record_edits (record_id);

COMMENT ON TABLE record_edits IS
    'Values that somebody gave records that failed, until the records hold them and are tried again; then the row goes';
COMMENT ON COLUMN record_edits.link_id IS
    'The link that failed and is tried again, lnk_…. It may give way to another before, when two records become one';
COMMENT ON COLUMN record_edits.tenant_id IS 'Whose it is';
COMMENT ON COLUMN record_edits.integration_id IS 'The integration of the link';
COMMENT ON COLUMN record_edits.record_id IS 'The record that is to hold the values';
COMMENT ON COLUMN record_edits.fields IS 'Our field to its value';
COMMENT ON COLUMN record_edits.asked_by IS 'Who asked for it last, as their token calls them';
COMMENT ON COLUMN record_edits.asked_at IS 'When that was';

ALTER TABLE record_edits ENABLE ROW LEVEL SECURITY;
ALTER TABLE record_edits FORCE ROW LEVEL SECURITY;
CREATE POLICY gateway_own_tenant ON record_edits TO coccinelle_gateway USING (tenant_id = current_tenant());
CREATE POLICY worker_all_tenants ON record_edits TO coccinelle_worker USING (true);
CREATE POLICY owner_all_tenants ON record_edits TO CURRENT_USER USING (true);
-- The gateway notes what was asked for, and erases it with a person; the records follow by the dispatcher's hand.
GRANT SELECT, INSERT, UPDATE (fields, asked_by, asked_at), DELETE ON record_edits TO coccinelle_gateway;
GRANT SELECT, INSERT, UPDATE, DELETE ON record_edits TO coccinelle_worker;
