CREATE TABLE tenants (
    id              text PRIMARY KEY,
    name            text        NOT NULL,
    region          text        NOT NULL DEFAULT 'FR',
    sealed_data_key text,
    created_at      timestamptz NOT NULL DEFAULT now()
);

COMMENT ON TABLE tenants IS 'The customers of Coccinelle';
COMMENT ON COLUMN tenants.id IS 'ten_…';
COMMENT ON COLUMN tenants.name IS 'The name people know the customer by';
COMMENT ON COLUMN tenants.region IS 'Where telephone numbers without a country code are from: ISO 3166-1 alpha-2';
COMMENT ON COLUMN tenants.sealed_data_key IS
    'The key that seals this tenant''s secrets, itself sealed by the key ring; null once it was destroyed';
COMMENT ON COLUMN tenants.created_at IS 'When the tenant was made';

ALTER TABLE tenants ENABLE ROW LEVEL SECURITY;
ALTER TABLE tenants FORCE ROW LEVEL SECURITY;
CREATE POLICY gateway_own_tenant ON tenants TO coccinelle_gateway USING (id = current_tenant());
CREATE POLICY worker_all_tenants ON tenants TO coccinelle_worker USING (true);
-- Tenants are made by `admin`, as the owner, who is subject to policies as well.
CREATE POLICY owner_all_tenants ON tenants TO CURRENT_USER USING (true);

GRANT SELECT ON tenants TO coccinelle_gateway, coccinelle_worker;
