-- Records, what they are recognised by, and how far each system is in step with them.

CREATE TABLE records (
    id         text PRIMARY KEY,
    tenant_id  text NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    kind       text NOT NULL,
    fields     jsonb NOT NULL DEFAULT '{}',
    version    bigint NOT NULL DEFAULT 0,
    contact_id text GENERATED ALWAYS AS (fields #>> '{contact,v}') STORED,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX records_by_update ON records (tenant_id, kind, updated_at DESC, id);
CREATE INDEX records_by_contact ON records (contact_id) WHERE contact_id IS NOT NULL;
COMMENT ON TABLE records IS 'Coccinelle''s copy of a contact, deal, product, order or activity';
COMMENT ON COLUMN records.id IS 'rec_…';
COMMENT ON COLUMN records.tenant_id IS 'Whose it is';
COMMENT ON COLUMN records.kind IS 'contact, deal, product, order or activity';
COMMENT ON COLUMN records.fields IS 'Field name to {v: value, t: time, o: origin, r: rank}; merged, never overwritten';
COMMENT ON COLUMN records.version IS 'Counts the changes of any value';
COMMENT ON COLUMN records.contact_id IS 'The contact that a deal or activity belongs to, out of its fields';
COMMENT ON COLUMN records.created_at IS 'When it was first heard of';
COMMENT ON COLUMN records.updated_at IS 'When a value last changed';

CREATE TABLE record_identities (
    tenant_id text NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    kind      text NOT NULL,
    scheme    text NOT NULL,
    value     text NOT NULL,
    record_id text NOT NULL REFERENCES records (id) ON DELETE CASCADE,
    PRIMARY KEY (tenant_id, kind, scheme, value)
);
CREATE INDEX record_identities_by_record ON record_identities (record_id);
COMMENT ON TABLE record_identities IS 'By what a record is recognised; an identifier belongs to one record';
COMMENT ON COLUMN record_identities.tenant_id IS 'Whose it is';
COMMENT ON COLUMN record_identities.kind IS 'The kind of record';
COMMENT ON COLUMN record_identities.scheme IS 'coccinelle (the subject''s id), email (lower case) or phone (E.164)';
COMMENT ON COLUMN record_identities.value IS 'The identifier in its normal form';
COMMENT ON COLUMN record_identities.record_id IS 'The record that it names';

CREATE TABLE record_links (
    id              text PRIMARY KEY,
    tenant_id       text NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    integration_id  text NOT NULL REFERENCES tenant_integrations (id) ON DELETE CASCADE,
    record_id       text REFERENCES records (id) ON DELETE CASCADE,
    kind            text NOT NULL,
    external_id     text,
    gone            boolean NOT NULL DEFAULT false,
    sent            jsonb NOT NULL DEFAULT '{}',
    seen            jsonb NOT NULL DEFAULT '{}',
    seen_at         timestamptz,
    wanted_version  bigint NOT NULL DEFAULT 0,
    synced_version  bigint NOT NULL DEFAULT 0,
    wanted_mapping  bigint NOT NULL DEFAULT 0,
    synced_mapping  bigint NOT NULL DEFAULT 0,
    remote_seq      bigint NOT NULL DEFAULT 0,
    read_seq        bigint NOT NULL DEFAULT 0,
    remote_dirty    boolean NOT NULL GENERATED ALWAYS AS (remote_seq > read_seq) STORED,
    blocked_at      timestamptz,
    owed            boolean NOT NULL GENERATED ALWAYS AS (
        blocked_at IS NULL
        AND (synced_version < wanted_version OR synced_mapping < wanted_mapping OR remote_seq > read_seq)
    ) STORED,
    owed_since      timestamptz,
    announced_at    timestamptz,
    attempts        integer NOT NULL DEFAULT 0,
    not_before      timestamptz,
    waits_for       text,
    error_class     text,
    error_code      text,
    error_message   text,
    fingerprint     text,
    failed_at       timestamptz,
    lease_token     text,
    lease_until     timestamptz,
    intent_at       timestamptz,
    intended        jsonb,
    unpublished     jsonb NOT NULL DEFAULT '[]',
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    UNIQUE (integration_id, record_id),
    UNIQUE (integration_id, kind, external_id)
);
CREATE INDEX record_links_by_record ON record_links (record_id);
CREATE INDEX record_links_owed ON record_links (integration_id, announced_at, id) WHERE owed;
CREATE INDEX record_links_blocked ON record_links (integration_id, fingerprint) WHERE blocked_at IS NOT NULL;
CREATE INDEX record_links_unpublished ON record_links (updated_at) WHERE unpublished <> '[]';
COMMENT ON TABLE record_links IS 'How far one system is in step with one record';
COMMENT ON COLUMN record_links.id IS 'lnk_…';
COMMENT ON COLUMN record_links.tenant_id IS 'Whose it is';
COMMENT ON COLUMN record_links.integration_id IS 'The system; Coccinelle''s backend has an integration as well';
COMMENT ON COLUMN record_links.record_id IS 'The record; null while a remote object has not been read yet';
COMMENT ON COLUMN record_links.kind IS 'The kind of record';
COMMENT ON COLUMN record_links.external_id IS 'The system''s id of the object; null before the first contact';
COMMENT ON COLUMN record_links.gone IS 'Whether we deleted the object there';
COMMENT ON COLUMN record_links.sent IS 'What we last wrote, in the platform''s terms';
COMMENT ON COLUMN record_links.seen IS 'What it last showed, in the platform''s terms';
COMMENT ON COLUMN record_links.seen_at IS 'The time of the newest state that it showed';
COMMENT ON COLUMN record_links.wanted_version IS 'The record''s version that this system should reach; stays behind where the direction forbids writing';
COMMENT ON COLUMN record_links.synced_version IS 'The record''s version that it has reached';
COMMENT ON COLUMN record_links.wanted_mapping IS 'The mapping''s version that it should reach';
COMMENT ON COLUMN record_links.synced_mapping IS 'The mapping''s version that it has reached';
COMMENT ON COLUMN record_links.remote_seq IS 'Counts what we heard of changes there';
COMMENT ON COLUMN record_links.read_seq IS 'remote_seq at the last read';
COMMENT ON COLUMN record_links.remote_dirty IS 'Whether a change there was heard of and not yet read';
COMMENT ON COLUMN record_links.blocked_at IS 'When a permanent failure blocked the link; a new version, mapping, remote change or a replay unblocks it';
COMMENT ON COLUMN record_links.owed IS 'Whether the link is out of step and may be worked on';
COMMENT ON COLUMN record_links.owed_since IS 'Since when';
COMMENT ON COLUMN record_links.announced_at IS 'When it was last announced on the broker';
COMMENT ON COLUMN record_links.attempts IS 'Failed attempts since it was last in step';
COMMENT ON COLUMN record_links.not_before IS 'No attempt is made before';
COMMENT ON COLUMN record_links.waits_for IS 'What it waits for, besides time: contact';
COMMENT ON COLUMN record_links.error_class IS 'Class of the last failure';
COMMENT ON COLUMN record_links.error_code IS 'Code of the last failure';
COMMENT ON COLUMN record_links.error_message IS 'Message of the last failure';
COMMENT ON COLUMN record_links.fingerprint IS 'The same for failures that one remedy mends';
COMMENT ON COLUMN record_links.failed_at IS 'When it last failed';
COMMENT ON COLUMN record_links.lease_token IS 'Who works on it; only the holder commits';
COMMENT ON COLUMN record_links.lease_until IS 'When the lease ends; who takes over reads the remote first';
COMMENT ON COLUMN record_links.intent_at IS 'When a write was begun whose outcome is not known yet';
COMMENT ON COLUMN record_links.intended IS 'What that write was to write, in the platform''s terms';
COMMENT ON COLUMN record_links.unpublished IS 'Outcomes that are not yet confirmed on the broker';
COMMENT ON COLUMN record_links.created_at IS 'When the link was made';
COMMENT ON COLUMN record_links.updated_at IS 'When it was last committed';

CREATE TABLE record_conflicts (
    id         text PRIMARY KEY,
    tenant_id  text NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    record_id  text NOT NULL REFERENCES records (id) ON DELETE CASCADE,
    reason     text NOT NULL,
    field      text NOT NULL,
    lost       jsonb NOT NULL,
    other_id   text REFERENCES records (id) ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX record_conflicts_by_record ON record_conflicts (record_id, created_at DESC);
CREATE INDEX record_conflicts_by_tenant ON record_conflicts (tenant_id, created_at DESC);
COMMENT ON TABLE record_conflicts IS 'Values that lost against another, and identifiers that two records claim';
COMMENT ON COLUMN record_conflicts.id IS 'cfl_…';
COMMENT ON COLUMN record_conflicts.tenant_id IS 'Whose it is';
COMMENT ON COLUMN record_conflicts.record_id IS 'The record that lost the value or the identifier';
COMMENT ON COLUMN record_conflicts.reason IS 'adopted (the platform''s value stood) or identity (the identifier is another record''s)';
COMMENT ON COLUMN record_conflicts.field IS 'The field, or the scheme of the identifier';
COMMENT ON COLUMN record_conflicts.lost IS 'The stamped value that lost, or the identifier';
COMMENT ON COLUMN record_conflicts.other_id IS 'The record that holds the identifier';
COMMENT ON COLUMN record_conflicts.created_at IS 'When it lost';

CREATE VIEW integration_sync_queue WITH (security_invoker = true) AS
SELECT id, tenant_id, integration_id, record_id, kind, external_id, owed_since AS created_at, attempts, not_before,
       CASE
           WHEN lease_until > now() THEN 'in progress'
           WHEN not_before > now() THEN 'waits to be retried'
           WHEN waits_for IS NOT NULL THEN 'waits for its ' || waits_for
           ELSE 'ready'
       END AS status,
       error_code, error_message
FROM record_links
WHERE owed;
COMMENT ON VIEW integration_sync_queue IS 'What is owed, since when, and why it waits. Its count is the drift number';

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['records', 'record_identities', 'record_links', 'record_conflicts'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY tenant_only ON %I TO coccinelle_gateway '
                       'USING (tenant_id = nullif(current_setting(''app.tenant_id'', true), ''''))', name);
        EXECUTE format('CREATE POLICY every_tenant ON %I TO coccinelle_worker USING (true)', name);
        EXECUTE format('GRANT SELECT ON %I TO coccinelle_gateway', name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO coccinelle_worker', name);
    END LOOP;
END
$$;
GRANT UPDATE (blocked_at, attempts, not_before, owed_since, announced_at) ON record_links TO coccinelle_gateway;
GRANT SELECT ON integration_sync_queue TO coccinelle_gateway, coccinelle_worker;

ALTER TABLE tenant_integrations ADD COLUMN linked_version bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN tenant_integrations.linked_version IS
    'The configuration''s version for which every record has been given a link';
GRANT UPDATE (linked_version) ON tenant_integrations TO coccinelle_worker;
