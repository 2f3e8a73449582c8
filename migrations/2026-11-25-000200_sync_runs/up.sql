-- Full and scheduled syncs, and what each of them found where it has to be compared with what is known.

CREATE TABLE sync_runs (
    id             text PRIMARY KEY,
    tenant_id      text        NOT NULL,
    integration_id text        NOT NULL,
    trigger        text        NOT NULL CHECK (trigger IN ('manual', 'scheduled', 'first')),
    direction      text        NOT NULL CHECK (direction IN ('bidirectional', 'to_platform', 'from_platform')),
    kinds          text[]      NOT NULL CHECK (cardinality(kinds) > 0),
    mode           text        NOT NULL CHECK (mode IN ('full', 'since_last')),
    state          text        NOT NULL DEFAULT 'queued' CHECK (state IN (
        'queued', 'running', 'cancelling', 'cancelled', 'done', 'failed', 'needs_confirmation')),
    sequence       bigint      NOT NULL DEFAULT 0,
    position       jsonb,
    counts         jsonb       NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(counts) = 'object'),
    marks          jsonb       NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(marks) = 'object'),
    confirmed      boolean     NOT NULL DEFAULT false,
    requested_by   text,
    due_at         timestamptz,
    attempts       integer     NOT NULL DEFAULT 0,
    not_before     timestamptz,
    announced_at   timestamptz NOT NULL DEFAULT now(),
    created_at     timestamptz NOT NULL DEFAULT now(),
    started_at     timestamptz,
    settling_since timestamptz,
    heartbeat_at   timestamptz,
    ended_at       timestamptz,
    error_class    text,
    error_code     text,
    error_message  text,
    UNIQUE (id, tenant_id),
    UNIQUE (integration_id, due_at),
    FOREIGN KEY (integration_id, tenant_id) REFERENCES tenant_integrations (id, tenant_id) ON DELETE CASCADE,
    CHECK ((ended_at IS NOT NULL) = (state IN ('cancelled', 'done', 'failed')))
);
CREATE UNIQUE INDEX sync_runs_one_live ON sync_runs (integration_id) WHERE ended_at IS NULL;
CREATE INDEX sync_runs_by_integration ON sync_runs (integration_id, id DESC);
CREATE INDEX sync_runs_live ON sync_runs (announced_at) WHERE ended_at IS NULL;
COMMENT ON TABLE sync_runs IS 'A full or scheduled sync of one integration; at most one of an integration is live';
COMMENT ON COLUMN sync_runs.id IS 'run_…';
COMMENT ON COLUMN sync_runs.tenant_id IS 'Whose it is';
COMMENT ON COLUMN sync_runs.integration_id IS 'What it brings into step';
COMMENT ON COLUMN sync_runs.trigger IS 'manual (somebody asked), scheduled, or first (nothing was completed before)';
COMMENT ON COLUMN sync_runs.direction IS 'Which way at most; a kind''s own direction bounds it further';
COMMENT ON COLUMN sync_runs.kinds IS 'The kinds of record that it takes';
COMMENT ON COLUMN sync_runs.mode IS 'full (everything that is there) or since_last (what changed since the last completed run)';
COMMENT ON COLUMN sync_runs.state IS 'queued, running, cancelling, cancelled, done, failed or needs_confirmation';
COMMENT ON COLUMN sync_runs.sequence IS 'Counts the pages that are done; a page is done by whoever moves it on';
COMMENT ON COLUMN sync_runs.position IS 'Where the next page begins: step, kind, cursor; null before the first';
COMMENT ON COLUMN sync_runs.counts IS 'Kind to what was read, changed, announced, gone, owed, failed, and the total where known';
COMMENT ON COLUMN sync_runs.marks IS 'Kind to the cursor at which its listing ended: where the next since_last begins';
COMMENT ON COLUMN sync_runs.confirmed IS 'Whether somebody agreed to more deletions than a run may make by itself';
COMMENT ON COLUMN sync_runs.requested_by IS 'Who asked for it; null where it was the clock';
COMMENT ON COLUMN sync_runs.due_at IS 'The time of the schedule that it stands for; exactly one run for each';
COMMENT ON COLUMN sync_runs.attempts IS 'Failed attempts at the present page';
COMMENT ON COLUMN sync_runs.not_before IS 'The present page is not tried again before';
COMMENT ON COLUMN sync_runs.announced_at IS 'When its page was last announced on the broker';
COMMENT ON COLUMN sync_runs.created_at IS 'When it was asked for';
COMMENT ON COLUMN sync_runs.started_at IS 'When its first page was taken up';
COMMENT ON COLUMN sync_runs.settling_since IS 'Since when only what was announced is waited for';
COMMENT ON COLUMN sync_runs.heartbeat_at IS 'When it last moved on';
COMMENT ON COLUMN sync_runs.ended_at IS 'When it ended; null while it is live';
COMMENT ON COLUMN sync_runs.error_class IS 'Class of what ended it, or of the last failed attempt at the present page';
COMMENT ON COLUMN sync_runs.error_code IS 'Code of the same';
COMMENT ON COLUMN sync_runs.error_message IS 'Message of the same, for the tenant';

CREATE TABLE sync_run_objects (
    run_id      text NOT NULL,
    tenant_id   text NOT NULL,
    kind        text NOT NULL,
    external_id text NOT NULL,
    found       text NOT NULL CHECK (found IN ('listed', 'kept', 'gone', 'removed')),
    PRIMARY KEY (run_id, kind, external_id),
    FOREIGN KEY (run_id, tenant_id) REFERENCES sync_runs (id, tenant_id) ON DELETE CASCADE
);
CREATE INDEX sync_run_objects_gone ON sync_run_objects (run_id, kind, external_id) WHERE found IN ('gone', 'removed');
COMMENT ON TABLE sync_run_objects IS
    'What a full walk saw, to find what it did not see; what is gone stays, the rest is forgotten when the run ends';
COMMENT ON COLUMN sync_run_objects.run_id IS 'The run';
COMMENT ON COLUMN sync_run_objects.tenant_id IS 'Whose it is';
COMMENT ON COLUMN sync_run_objects.kind IS 'The kind of record';
COMMENT ON COLUMN sync_run_objects.external_id IS 'The platform''s id of the object';
COMMENT ON COLUMN sync_run_objects.found IS
    'listed; kept (not listed, but a read shows it); gone (neither); removed (gone, and its link was told)';

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['sync_runs', 'sync_run_objects'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY gateway_own_tenant ON %I TO coccinelle_gateway '
                       'USING (tenant_id = current_tenant())', name);
        EXECUTE format('CREATE POLICY worker_all_tenants ON %I TO coccinelle_worker USING (true)', name);
        EXECUTE format('CREATE POLICY owner_all_tenants ON %I TO CURRENT_USER USING (true)', name);
        EXECUTE format('GRANT SELECT ON %I TO coccinelle_gateway', name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO coccinelle_worker', name);
    END LOOP;
END
$$;
-- The gateway asks for runs, cancels and confirms them; moving them on is the dispatcher's.
GRANT INSERT ON sync_runs TO coccinelle_gateway;
GRANT UPDATE (state, confirmed, not_before, announced_at, ended_at) ON sync_runs TO coccinelle_gateway;
