CREATE TABLE idempotency_keys (
    tenant_id     text        NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    key_hash      text        NOT NULL,
    operation     text        NOT NULL,
    request_hash  text        NOT NULL,
    claim         text        NOT NULL,
    claimed_until timestamptz NOT NULL,
    status        integer CHECK (status BETWEEN 200 AND 499),
    headers       jsonb       NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(headers) = 'object'),
    body          bytea,
    created_at    timestamptz NOT NULL DEFAULT now(),
    expires_at    timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, key_hash)
);

CREATE INDEX idempotency_keys_by_end ON idempotency_keys (expires_at);

COMMENT ON TABLE idempotency_keys IS
    'What was answered to requests that carry a key, so that a repetition is answered alike and does nothing; log-writer sweeps what has ended';
COMMENT ON COLUMN idempotency_keys.tenant_id IS 'Whose it is';
COMMENT ON COLUMN idempotency_keys.key_hash IS 'SHA-256 of the caller and the key';
COMMENT ON COLUMN idempotency_keys.operation IS 'Method and path, with the query';
COMMENT ON COLUMN idempotency_keys.request_hash IS 'SHA-256 of the body';
COMMENT ON COLUMN idempotency_keys.claim IS 'Which request works it off: only that one may answer';
COMMENT ON COLUMN idempotency_keys.claimed_until IS 'When another may take it over, if it was not answered by then';
COMMENT ON COLUMN idempotency_keys.status IS 'The answer''s status; null while it is under way';
COMMENT ON COLUMN idempotency_keys.headers IS 'The answer''s headers that are kept: {name: value}';
COMMENT ON COLUMN idempotency_keys.body IS 'The answer''s body, which like every answer holds no secret';
COMMENT ON COLUMN idempotency_keys.created_at IS 'When it was first seen';
COMMENT ON COLUMN idempotency_keys.expires_at IS 'From when on the key is new again';

ALTER TABLE idempotency_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE idempotency_keys FORCE ROW LEVEL SECURITY;
CREATE POLICY gateway_own_tenant ON idempotency_keys TO coccinelle_gateway USING (tenant_id = current_tenant());
CREATE POLICY worker_all_tenants ON idempotency_keys TO coccinelle_worker USING (true);
CREATE POLICY owner_all_tenants ON idempotency_keys TO CURRENT_USER USING (true);

GRANT SELECT, INSERT, UPDATE, DELETE ON idempotency_keys TO coccinelle_gateway;
GRANT SELECT, DELETE ON idempotency_keys TO coccinelle_worker;
