CREATE TABLE integration_sync_logs (
    id                text        NOT NULL,
    created_at        timestamptz NOT NULL,
    tenant_id         text        NOT NULL,
    integration_id    text        NOT NULL,
    sync_type         text        NOT NULL,
    direction         text        NOT NULL,
    status            text        NOT NULL,
    kind              text        NOT NULL,
    record_id         text,
    link_id           text        NOT NULL,
    external_id       text,
    error_class       text,
    error_code        text,
    error_message     text,
    fingerprint       text,
    payload_sent      jsonb,
    response_received jsonb,
    duration_ms       bigint      NOT NULL,
    attempt           bigint      NOT NULL,
    correlation_id    text        NOT NULL,
    PRIMARY KEY (id, created_at)
) PARTITION BY RANGE (created_at);

-- What falls on a day that nobody made a partition for.
CREATE TABLE integration_sync_logs_default PARTITION OF integration_sync_logs DEFAULT;

CREATE INDEX integration_sync_logs_by_integration ON integration_sync_logs (integration_id, created_at DESC, id);
CREATE INDEX integration_sync_logs_by_record ON integration_sync_logs (record_id, created_at DESC)
    WHERE record_id IS NOT NULL;

COMMENT ON TABLE integration_sync_logs IS
    'What was tried with a platform, one row an attempt; a partition a day. Outlives what it speaks of';
COMMENT ON COLUMN integration_sync_logs.id IS 'log_…, given by who tried, so that a redelivered outcome meets itself';
COMMENT ON COLUMN integration_sync_logs.created_at IS 'When the attempt ended';
COMMENT ON COLUMN integration_sync_logs.tenant_id IS 'Whose it is';
COMMENT ON COLUMN integration_sync_logs.integration_id IS 'By which integration';
COMMENT ON COLUMN integration_sync_logs.sync_type IS 'create, update, delete, adopt or read';
COMMENT ON COLUMN integration_sync_logs.direction IS 'to_platform or from_platform';
COMMENT ON COLUMN integration_sync_logs.status IS 'success or failed';
COMMENT ON COLUMN integration_sync_logs.kind IS 'The kind of record';
COMMENT ON COLUMN integration_sync_logs.record_id IS 'The record; null where the remote object was not tied to one yet';
COMMENT ON COLUMN integration_sync_logs.link_id IS 'The link between record and integration';
COMMENT ON COLUMN integration_sync_logs.external_id IS 'The platform''s id of the object, where known';
COMMENT ON COLUMN integration_sync_logs.error_class IS
    'invalid, unauthorized, forbidden, not_found, conflict, rate_limited, unavailable or internal; null on success';
COMMENT ON COLUMN integration_sync_logs.error_code IS 'A stable code, as the platform or the connector names it';
COMMENT ON COLUMN integration_sync_logs.error_message IS 'A sentence for the tenant';
COMMENT ON COLUMN integration_sync_logs.fingerprint IS 'The same for all failures that one remedy mends';
COMMENT ON COLUMN integration_sync_logs.payload_sent IS 'What was sent, without secrets; cut at 32 KiB with a note';
COMMENT ON COLUMN integration_sync_logs.response_received IS 'What came back, without secrets; cut at 32 KiB with a note';
COMMENT ON COLUMN integration_sync_logs.duration_ms IS 'How long the platform took, in milliseconds';
COMMENT ON COLUMN integration_sync_logs.attempt IS 'Which attempt it was; 1 is the first';
COMMENT ON COLUMN integration_sync_logs.correlation_id IS 'The trace that led here, 32 hexadecimal digits';

ALTER TABLE integration_sync_logs ENABLE ROW LEVEL SECURITY;
ALTER TABLE integration_sync_logs FORCE ROW LEVEL SECURITY;
CREATE POLICY gateway_own_tenant ON integration_sync_logs TO coccinelle_gateway USING (tenant_id = current_tenant());
CREATE POLICY worker_all_tenants ON integration_sync_logs TO coccinelle_worker USING (true);
-- A partition that is addressed by its own name knows nothing of its parent's policies: it has none, and so shows nothing.
ALTER TABLE integration_sync_logs_default ENABLE ROW LEVEL SECURITY;

GRANT SELECT ON integration_sync_logs TO coccinelle_gateway;
GRANT SELECT, INSERT ON integration_sync_logs TO coccinelle_worker;

CREATE TABLE integration_webhook_logs (
    id             text        NOT NULL,
    created_at     timestamptz NOT NULL,
    platform       text        NOT NULL,
    tenant_id      text,
    integration_id text,
    delivery_id    text,
    verified       boolean     NOT NULL,
    outcome        text        NOT NULL,
    reason         text,
    marked         bigint,
    body           jsonb,
    correlation_id text        NOT NULL,
    PRIMARY KEY (id, created_at)
) PARTITION BY RANGE (created_at);

CREATE TABLE integration_webhook_logs_default PARTITION OF integration_webhook_logs DEFAULT;

CREATE INDEX integration_webhook_logs_by_integration
    ON integration_webhook_logs (integration_id, created_at DESC, id) WHERE integration_id IS NOT NULL;
CREATE INDEX integration_webhook_logs_by_platform ON integration_webhook_logs (platform, created_at DESC, id);

COMMENT ON TABLE integration_webhook_logs IS 'Inbound deliveries, one row each; a partition a day';
COMMENT ON COLUMN integration_webhook_logs.id IS 'whk_…, given when the delivery came in, so that a redelivered outcome meets itself';
COMMENT ON COLUMN integration_webhook_logs.created_at IS 'When the delivery came in';
COMMENT ON COLUMN integration_webhook_logs.platform IS 'Who sent it, or claimed to: a platform''s slug';
COMMENT ON COLUMN integration_webhook_logs.tenant_id IS 'Whose it is; null where that is not known, as of every refused one';
COMMENT ON COLUMN integration_webhook_logs.integration_id IS 'For which integration, where known';
COMMENT ON COLUMN integration_webhook_logs.delivery_id IS 'The platform''s own id of the delivery';
COMMENT ON COLUMN integration_webhook_logs.verified IS 'Whether the platform''s signature was good';
COMMENT ON COLUMN integration_webhook_logs.outcome IS 'refused, applied or ignored';
COMMENT ON COLUMN integration_webhook_logs.reason IS 'A stable code for why it was refused or ignored';
COMMENT ON COLUMN integration_webhook_logs.marked IS 'How many objects an applied one marked for reading';
COMMENT ON COLUMN integration_webhook_logs.body IS 'The body, of verified ones only; cut at 32 KiB with a note';
COMMENT ON COLUMN integration_webhook_logs.correlation_id IS 'The trace that it began, 32 hexadecimal digits';

ALTER TABLE integration_webhook_logs ENABLE ROW LEVEL SECURITY;
ALTER TABLE integration_webhook_logs FORCE ROW LEVEL SECURITY;
CREATE POLICY gateway_own_tenant ON integration_webhook_logs TO coccinelle_gateway USING (tenant_id = current_tenant());
CREATE POLICY worker_all_tenants ON integration_webhook_logs TO coccinelle_worker USING (true);
ALTER TABLE integration_webhook_logs_default ENABLE ROW LEVEL SECURITY;

GRANT SELECT ON integration_webhook_logs TO coccinelle_gateway;
GRANT SELECT, INSERT ON integration_webhook_logs TO coccinelle_worker;

-- Both functions run as their owner: the roles may not make or drop a table themselves.
CREATE FUNCTION ensure_log_partitions(days_ahead integer) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET timezone = 'UTC'
AS $$
DECLARE
    parent    text;
    partition text;
    day       date;
    made      integer := 0;
BEGIN
    IF days_ahead NOT BETWEEN 0 AND 366 THEN
        RAISE EXCEPTION 'days_ahead must lie between 0 and 366, not %', days_ahead;
    END IF;
    -- One at a time; the next one finds the partitions made.
    PERFORM pg_advisory_xact_lock(hashtext('coccinelle log partitions'));
    FOREACH parent IN ARRAY ARRAY['integration_sync_logs', 'integration_webhook_logs'] LOOP
        FOR day IN SELECT generate_series(current_date, current_date + days_ahead, interval '1 day')::date LOOP
            partition := format('%s_p%s', parent, to_char(day, 'YYYYMMDD'));
            CONTINUE WHEN to_regclass(format('public.%I', partition)) IS NOT NULL;
            EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', partition, parent);
            EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', partition);
            EXECUTE format('COMMENT ON TABLE %I IS %L', partition, format('%s of %s', parent, day));
            -- Rows of that day that came before its partition; it cannot be attached while the default one holds them.
            EXECUTE format(
                'WITH moved AS (DELETE FROM %I WHERE created_at >= %L AND created_at < %L RETURNING *) '
                'INSERT INTO %I SELECT * FROM moved',
                parent || '_default', day::timestamptz, (day + 1)::timestamptz, partition);
            EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                parent, partition, day::timestamptz, (day + 1)::timestamptz);
            made := made + 1;
        END LOOP;
    END LOOP;
    RETURN made;
END
$$;

COMMENT ON FUNCTION ensure_log_partitions(integer) IS
    'Makes the partitions of the logs from today to so many days ahead; returns how many it made';

CREATE FUNCTION drop_log_partitions(days_kept integer) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET timezone = 'UTC'
AS $$
DECLARE
    parent    text;
    partition text;
    dropped   integer := 0;
BEGIN
    IF days_kept < 1 THEN
        RAISE EXCEPTION 'days_kept must be 1 at least, not %', days_kept;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('coccinelle log partitions'));
    FOREACH parent IN ARRAY ARRAY['integration_sync_logs', 'integration_webhook_logs'] LOOP
        FOR partition IN
            SELECT child.relname FROM pg_inherits
            JOIN pg_class child ON child.oid = pg_inherits.inhrelid
            WHERE pg_inherits.inhparent = parent::regclass
              AND child.relname ~ '_p[0-9]{8}$'
              AND to_date(right(child.relname, 8), 'YYYYMMDD') < current_date - days_kept
        LOOP
            EXECUTE format('DROP TABLE %I', partition);
            dropped := dropped + 1;
        END LOOP;
        EXECUTE format('DELETE FROM %I WHERE created_at < %L', parent || '_default', (current_date - days_kept)::timestamptz);
    END LOOP;
    RETURN dropped;
END
$$;

COMMENT ON FUNCTION drop_log_partitions(integer) IS
    'Drops the partitions of the logs that are older than so many days; returns how many it dropped';

REVOKE ALL ON FUNCTION ensure_log_partitions(integer), drop_log_partitions(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ensure_log_partitions(integer), drop_log_partitions(integer) TO coccinelle_worker;
