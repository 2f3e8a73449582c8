CREATE TABLE sessions (
    tenant_id  text        NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    id_hash    text        NOT NULL,
    sub        text        NOT NULL,
    roles      text[]      NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id_hash)
);

CREATE INDEX sessions_by_end ON sessions (expires_at);

COMMENT ON TABLE sessions IS 'Browsers that are let in by a cookie; log-writer sweeps those that have ended';
COMMENT ON COLUMN sessions.tenant_id IS 'For which tenant';
COMMENT ON COLUMN sessions.id_hash IS 'SHA-256 of the secret in the cookie, which is not kept';
COMMENT ON COLUMN sessions.sub IS 'Who it is, as the token said that began it';
COMMENT ON COLUMN sessions.roles IS 'What they may do, as that token said';
COMMENT ON COLUMN sessions.created_at IS 'When it began';
COMMENT ON COLUMN sessions.expires_at IS 'When it ends, unless it is ended before';

ALTER TABLE sessions ENABLE ROW LEVEL SECURITY;
ALTER TABLE sessions FORCE ROW LEVEL SECURITY;
CREATE POLICY gateway_own_tenant ON sessions TO coccinelle_gateway USING (tenant_id = current_tenant());
CREATE POLICY worker_all_tenants ON sessions TO coccinelle_worker USING (true);
CREATE POLICY owner_all_tenants ON sessions TO CURRENT_USER USING (true);

GRANT SELECT, INSERT, DELETE ON sessions TO coccinelle_gateway;
GRANT SELECT, DELETE ON sessions TO coccinelle_worker;
