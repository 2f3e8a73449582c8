CREATE TABLE integration_mapping_versions (
    integration_id text        NOT NULL,
    tenant_id      text        NOT NULL,
    kind           text        NOT NULL,
    version        bigint      NOT NULL,
    updated_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (integration_id, kind),
    UNIQUE (integration_id, kind, tenant_id),
    FOREIGN KEY (integration_id, tenant_id) REFERENCES tenant_integrations (id, tenant_id) ON DELETE CASCADE
);

COMMENT ON TABLE integration_mapping_versions IS
    'The mapping of one kind in one integration: its version. A kind without a row is not mapped';
COMMENT ON COLUMN integration_mapping_versions.integration_id IS 'Which integration';
COMMENT ON COLUMN integration_mapping_versions.tenant_id IS 'Whose it is';
COMMENT ON COLUMN integration_mapping_versions.kind IS 'The kind of record: contact, deal, product, order or activity';
COMMENT ON COLUMN integration_mapping_versions.version IS
    'Counts the changes; a link synced under an older one is owed again';
COMMENT ON COLUMN integration_mapping_versions.updated_at IS 'When the mapping last changed';

ALTER TABLE integration_mapping_versions ENABLE ROW LEVEL SECURITY;
ALTER TABLE integration_mapping_versions FORCE ROW LEVEL SECURITY;
CREATE POLICY gateway_own_tenant ON integration_mapping_versions
    TO coccinelle_gateway USING (tenant_id = current_tenant());
CREATE POLICY worker_all_tenants ON integration_mapping_versions TO coccinelle_worker USING (true);

GRANT SELECT, INSERT, UPDATE ON integration_mapping_versions TO coccinelle_gateway;
GRANT SELECT ON integration_mapping_versions TO coccinelle_worker;

CREATE TABLE integration_field_mappings (
    integration_id text    NOT NULL,
    tenant_id      text    NOT NULL,
    kind           text    NOT NULL,
    position       integer NOT NULL,
    local_field    text    NOT NULL,
    remote_field   text    NOT NULL,
    direction      text    NOT NULL CHECK (direction IN ('bidirectional', 'to_platform', 'from_platform')),
    transform      jsonb   NOT NULL DEFAULT '{"type": "none"}',
    is_identifier  boolean NOT NULL DEFAULT false,
    default_value  jsonb,
    PRIMARY KEY (integration_id, kind, remote_field),
    UNIQUE (integration_id, kind, position),
    FOREIGN KEY (integration_id, kind, tenant_id)
        REFERENCES integration_mapping_versions (integration_id, kind, tenant_id) ON DELETE CASCADE
);

COMMENT ON TABLE integration_field_mappings IS 'Which of our fields is which of the platform''s; one row a remote field';
COMMENT ON COLUMN integration_field_mappings.integration_id IS 'Which integration';
COMMENT ON COLUMN integration_field_mappings.tenant_id IS 'Whose it is';
COMMENT ON COLUMN integration_field_mappings.kind IS 'The kind of record';
COMMENT ON COLUMN integration_field_mappings.position IS 'The place in the list that the tenant arranged, from 0';
COMMENT ON COLUMN integration_field_mappings.local_field IS 'Coccinelle''s name of the field';
COMMENT ON COLUMN integration_field_mappings.remote_field IS 'The platform''s name of the field';
COMMENT ON COLUMN integration_field_mappings.direction IS 'Which way this field travels';
COMMENT ON COLUMN integration_field_mappings.transform IS 'How a value is changed on its way: {"type": …}';
COMMENT ON COLUMN integration_field_mappings.is_identifier IS 'Whether a record''s counterpart is looked for by it';
COMMENT ON COLUMN integration_field_mappings.default_value IS 'What is sent where we have nothing; outbound only';

ALTER TABLE integration_field_mappings ENABLE ROW LEVEL SECURITY;
ALTER TABLE integration_field_mappings FORCE ROW LEVEL SECURITY;
CREATE POLICY gateway_own_tenant ON integration_field_mappings
    TO coccinelle_gateway USING (tenant_id = current_tenant());
CREATE POLICY worker_all_tenants ON integration_field_mappings TO coccinelle_worker USING (true);

GRANT SELECT, INSERT, UPDATE, DELETE ON integration_field_mappings TO coccinelle_gateway;
GRANT SELECT ON integration_field_mappings TO coccinelle_worker;
