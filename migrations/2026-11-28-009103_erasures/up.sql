-- What became of an erasure can be asked for long after: who asked, what was taken away, what the platforms answered.

CREATE TABLE erasures (
    id             text PRIMARY KEY,
    tenant_id      text        NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    record_id      text        NOT NULL,
    with_platforms boolean     NOT NULL,
    sub            text        NOT NULL,
    roles          text[]      NOT NULL,
    request_id     text        NOT NULL,
    requested_at   timestamptz NOT NULL DEFAULT now(),
    erased_at      timestamptz,
    counts         jsonb       NOT NULL DEFAULT '{}',
    answers        jsonb       NOT NULL DEFAULT '[]',
    UNIQUE (tenant_id, record_id)
);
CREATE INDEX erasures_by_time ON erasures (tenant_id, requested_at DESC, id DESC);

COMMENT ON TABLE erasures IS 'Persons who were erased, or are to be: what was done, and nothing of who it was';
COMMENT ON COLUMN erasures.id IS 'era_…';
COMMENT ON COLUMN erasures.tenant_id IS 'Whose it is';
COMMENT ON COLUMN erasures.record_id IS 'The contact';
COMMENT ON COLUMN erasures.with_platforms IS 'Whether the platforms were to delete the person first';
COMMENT ON COLUMN erasures.sub IS 'Who asked for it, as their token calls them';
COMMENT ON COLUMN erasures.roles IS 'What their token allowed them';
COMMENT ON COLUMN erasures.request_id IS 'The trace of their request';
COMMENT ON COLUMN erasures.requested_at IS 'When it was asked for first';
COMMENT ON COLUMN erasures.erased_at IS 'When it was done; null while the platforms are waited for';
COMMENT ON COLUMN erasures.counts IS 'By table, how many rows were deleted or lost their content';
COMMENT ON COLUMN erasures.answers IS 'What each platform did, as it stood when it was done: [{integration_id, platform, kind, state, error_code}]';

ALTER TABLE erasures ENABLE ROW LEVEL SECURITY;
ALTER TABLE erasures FORCE ROW LEVEL SECURITY;
CREATE POLICY gateway_own_tenant ON erasures TO coccinelle_gateway USING (tenant_id = current_tenant());
CREATE POLICY worker_all_tenants ON erasures TO coccinelle_worker USING (true);
CREATE POLICY owner_all_tenants ON erasures TO CURRENT_USER USING (true);
GRANT SELECT, INSERT, UPDATE ON erasures TO coccinelle_gateway, coccinelle_worker;

INSERT INTO erasures (id, tenant_id, record_id, with_platforms, sub, roles, request_id, requested_at)
SELECT replace(record_id, 'rec_', 'era_'), tenant_id, record_id, true, '', '{}', '', requested_at FROM pending_erasures;

-- What people were told of a failure may repeat what a platform said of a person.
CREATE FUNCTION quotes_person(content jsonb, of_tenant text, told jsonb) RETURNS boolean
    LANGUAGE sql STABLE
AS $$
    SELECT EXISTS (
        SELECT FROM jsonb_path_query(content, '$.**') AS part, (
            SELECT lower(error_message) AS words FROM integration_sync_logs
            WHERE tenant_id = of_tenant AND error_message <> ''
              AND (record_id = ANY (texts(told, 'records')) OR link_id = ANY (texts(told, 'links')))
            UNION
            SELECT lower(error_message) FROM record_links
            WHERE tenant_id = of_tenant AND error_message <> '' AND id = ANY (texts(told, 'links'))
            UNION
            SELECT unnest(texts(told, 'written'))
        ) AS said
        WHERE jsonb_typeof(part) = 'string' AND strpos(lower(part #>> '{}'), said.words) > 0)
$$;
COMMENT ON FUNCTION quotes_person(jsonb, text, jsonb) IS
    'Whether a text in it repeats an address or number of an erased person, or an error of its records';

GRANT UPDATE (detail, told_at, told_end_at) ON incidents TO coccinelle_gateway;
GRANT UPDATE (content), DELETE ON alert_messages TO coccinelle_gateway;
