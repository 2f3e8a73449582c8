CREATE TABLE audit_log (
    id         text PRIMARY KEY,
    created_at timestamptz NOT NULL,
    tenant_id  text        NOT NULL REFERENCES tenants (id),
    sub        text        NOT NULL,
    roles      text[]      NOT NULL,
    action     text        NOT NULL,
    target     text,
    changes    jsonb       NOT NULL DEFAULT '[]',
    address    text,
    user_agent text,
    request_id text        NOT NULL
);

CREATE INDEX audit_log_by_tenant ON audit_log (tenant_id, created_at DESC, id);

COMMENT ON TABLE audit_log IS 'Who changed what, one row a change, written together with the change. Nobody changes or deletes a row';
COMMENT ON COLUMN audit_log.id IS 'aud_…';
COMMENT ON COLUMN audit_log.created_at IS 'When';
COMMENT ON COLUMN audit_log.tenant_id IS 'Whose it is';
COMMENT ON COLUMN audit_log.sub IS 'Who, as their token calls them';
COMMENT ON COLUMN audit_log.roles IS 'What their token allowed them';
COMMENT ON COLUMN audit_log.action IS 'What was done, as in integration.updated';
COMMENT ON COLUMN audit_log.target IS 'The id of what it was done to; null where that is the tenant';
COMMENT ON COLUMN audit_log.changes IS 'Which fields, by name; before and after only where neither can be a secret';
COMMENT ON COLUMN audit_log.address IS 'The address that the request came from';
COMMENT ON COLUMN audit_log.user_agent IS 'What the caller''s program calls itself, cut';
COMMENT ON COLUMN audit_log.request_id IS 'The trace of the request, 32 hexadecimal digits';

ALTER TABLE audit_log ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_log FORCE ROW LEVEL SECURITY;
CREATE POLICY gateway_own_tenant ON audit_log TO coccinelle_gateway USING (tenant_id = current_tenant());
CREATE POLICY worker_all_tenants ON audit_log TO coccinelle_worker USING (true);
CREATE POLICY owner_all_tenants ON audit_log TO CURRENT_USER USING (true);

GRANT SELECT, INSERT ON audit_log TO coccinelle_gateway, coccinelle_worker;
