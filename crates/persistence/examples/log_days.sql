SET timezone = 'UTC';

-- What a log is kept in where it is kept as long as usual. Those of days to come are there.
DO $$
DECLARE
    parent    text;
    partition text;
    day       date;
BEGIN
    FOREACH parent IN ARRAY ARRAY['integration_sync_logs', 'integration_webhook_logs'] LOOP
        FOR day IN SELECT generate_series(current_date - 90, current_date, interval '1 day')::date LOOP
            partition := format('%s_p%s', parent, to_char(day, 'YYYYMMDD'));
            CONTINUE WHEN to_regclass(format('public.%I', partition)) IS NOT NULL;
            EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)',
                partition, parent, day::timestamptz, (day + 1)::timestamptz);
            EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', partition);
        END LOOP;
    END LOOP;
END
$$;
