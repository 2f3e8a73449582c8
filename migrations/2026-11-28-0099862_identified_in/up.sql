-- Identifiers follow another region of the tenant: until they do, they are those of the region before. Where it is not the default by now,
-- records are looked through once.
ALTER TABLE tenants
    ADD COLUMN region_since timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN identified_in text[] NOT NULL DEFAULT '{FR}';
COMMENT ON COLUMN tenants.region_since IS 'Since when it is that region';
COMMENT ON COLUMN tenants.identified_in IS
    'The regions by which the telephone numbers that people are recognised by were read; its own alone, once all are read by that';
GRANT UPDATE (region_since) ON tenants TO coccinelle_gateway;
GRANT UPDATE (identified_in) ON tenants TO coccinelle_worker;
