CREATE TABLE integration_stats_hourly (
    integration_id  text        NOT NULL,
    hour            timestamptz NOT NULL,
    kind            text        NOT NULL,
    sync_type       text        NOT NULL,
    direction       text        NOT NULL,
    outcome         text        NOT NULL,
    error_class     text        NOT NULL DEFAULT '',
    tenant_id       text        NOT NULL,
    count           bigint      NOT NULL,
    first_successes bigint      NOT NULL,
    retries         bigint      NOT NULL,
    durations       bigint[]    NOT NULL,
    PRIMARY KEY (integration_id, hour, kind, sync_type, outcome, error_class)
);
CREATE INDEX integration_stats_hourly_by_tenant ON integration_stats_hourly (tenant_id, hour);

COMMENT ON TABLE integration_stats_hourly IS
    'How many attempts ended how, hour by hour; counted with the rows of the log, in their transaction';
COMMENT ON COLUMN integration_stats_hourly.integration_id IS 'By which integration';
COMMENT ON COLUMN integration_stats_hourly.hour IS 'The hour in which they ended, by its beginning in UTC';
COMMENT ON COLUMN integration_stats_hourly.kind IS 'The kind of record';
COMMENT ON COLUMN integration_stats_hourly.sync_type IS 'create, update, delete, adopt or read';
COMMENT ON COLUMN integration_stats_hourly.direction IS 'to_platform or from_platform';
COMMENT ON COLUMN integration_stats_hourly.outcome IS 'success or failed';
COMMENT ON COLUMN integration_stats_hourly.error_class IS 'The class of the failure; empty on success';
COMMENT ON COLUMN integration_stats_hourly.tenant_id IS 'Whose they are';
COMMENT ON COLUMN integration_stats_hourly.count IS 'How many attempts';
COMMENT ON COLUMN integration_stats_hourly.first_successes IS 'How many of them succeeded as the first of their kind';
COMMENT ON COLUMN integration_stats_hourly.retries IS 'How many of them were no first attempt';
COMMENT ON COLUMN integration_stats_hourly.durations IS 'How many took how long, in the buckets of domain::duration';

CREATE TABLE integration_errors_hourly (
    integration_id text        NOT NULL,
    hour           timestamptz NOT NULL,
    fingerprint    text        NOT NULL,
    tenant_id      text        NOT NULL,
    code           text        NOT NULL,
    message        text        NOT NULL,
    count          bigint      NOT NULL,
    last_at        timestamptz NOT NULL,
    PRIMARY KEY (integration_id, hour, fingerprint)
);
CREATE INDEX integration_errors_hourly_by_tenant ON integration_errors_hourly (tenant_id, hour);

COMMENT ON TABLE integration_errors_hourly IS 'How often what went wrong, hour by hour; counted like integration_stats_hourly';
COMMENT ON COLUMN integration_errors_hourly.integration_id IS 'By which integration';
COMMENT ON COLUMN integration_errors_hourly.hour IS 'The hour, by its beginning in UTC';
COMMENT ON COLUMN integration_errors_hourly.fingerprint IS 'The same for all failures that one remedy mends';
COMMENT ON COLUMN integration_errors_hourly.tenant_id IS 'Whose they are';
COMMENT ON COLUMN integration_errors_hourly.code IS 'A stable code, as the platform or the connector names it';
COMMENT ON COLUMN integration_errors_hourly.message IS 'What the newest of them says';
COMMENT ON COLUMN integration_errors_hourly.count IS 'How many';
COMMENT ON COLUMN integration_errors_hourly.last_at IS 'When the newest of them failed';

CREATE TABLE integration_drift_samples (
    integration_id text        NOT NULL,
    at             timestamptz NOT NULL,
    tenant_id      text        NOT NULL,
    owed           bigint      NOT NULL,
    blocked        bigint      NOT NULL,
    PRIMARY KEY (integration_id, at)
);
CREATE INDEX integration_drift_samples_by_tenant ON integration_drift_samples (tenant_id, at);

COMMENT ON TABLE integration_drift_samples IS 'How far each integration was out of step, every few minutes; looked at by log-writer';
COMMENT ON COLUMN integration_drift_samples.integration_id IS 'Which integration';
COMMENT ON COLUMN integration_drift_samples.at IS 'When, rounded down, so that two who look at once leave one sample';
COMMENT ON COLUMN integration_drift_samples.tenant_id IS 'Whose it is';
COMMENT ON COLUMN integration_drift_samples.owed IS 'How many links were owed work';
COMMENT ON COLUMN integration_drift_samples.blocked IS 'How many links a failure blocked';

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['integration_stats_hourly', 'integration_errors_hourly', 'integration_drift_samples'] LOOP
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
