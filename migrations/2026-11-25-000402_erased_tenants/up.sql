CREATE TABLE erased_tenants (
    id        text PRIMARY KEY,
    erased_at timestamptz NOT NULL DEFAULT now()
);

COMMENT ON TABLE erased_tenants IS
    'Tenants that were erased: what still arrives for one is dropped. Nothing else is kept of them';
COMMENT ON COLUMN erased_tenants.id IS 'ten_…, which nobody has any more';
COMMENT ON COLUMN erased_tenants.erased_at IS 'When its key was destroyed';

ALTER TABLE erased_tenants ENABLE ROW LEVEL SECURITY;
ALTER TABLE erased_tenants FORCE ROW LEVEL SECURITY;
CREATE POLICY worker_all_tenants ON erased_tenants TO coccinelle_worker USING (true);
CREATE POLICY owner_all_tenants ON erased_tenants TO CURRENT_USER USING (true);

GRANT SELECT ON erased_tenants TO coccinelle_worker;
