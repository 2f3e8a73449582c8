-- The two roles that services connect as. Roles belong to the whole cluster, so another database may have made them
-- already, or be making them now: neither is an error.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'coccinelle_gateway') THEN
        CREATE ROLE coccinelle_gateway LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS;
        COMMENT ON ROLE coccinelle_gateway IS 'The api-gateway: sees and writes the rows of one tenant at a time';
    END IF;
EXCEPTION
    WHEN duplicate_object OR unique_violation THEN NULL;
END
$$;

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'coccinelle_worker') THEN
        CREATE ROLE coccinelle_worker LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS;
        COMMENT ON ROLE coccinelle_worker IS
            'webhook-ingest, sync-dispatcher and log-writer: work for all tenants';
    END IF;
EXCEPTION
    WHEN duplicate_object OR unique_violation THEN NULL;
END
$$;

GRANT USAGE ON SCHEMA public TO coccinelle_gateway, coccinelle_worker;

-- Whose rows a transaction may see. Without a tenant it is null, and null equals nothing.
CREATE FUNCTION current_tenant() RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN nullif(current_setting('app.tenant_id', true), '');

COMMENT ON FUNCTION current_tenant() IS
    'The tenant that this transaction is scoped to by app.tenant_id; null where it is scoped to none';
