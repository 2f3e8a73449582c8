CREATE INDEX audit_log_by_age ON audit_log (created_at);

COMMENT ON TABLE audit_log IS
    'Who changed what, one row a change, written together with the change. Nobody changes a row, and none goes before its time';

-- No role may delete rows of its own choice: whatever asks, a year is kept.
CREATE FUNCTION forget_audit(days integer, most bigint) RETURNS bigint
    LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    WITH gone AS (
        DELETE FROM audit_log WHERE id IN (
            SELECT id FROM audit_log WHERE created_at < now() - make_interval(days => greatest(days, 365))
            ORDER BY created_at LIMIT most)
        RETURNING id)
    SELECT count(*) FROM gone
$$;
COMMENT ON FUNCTION forget_audit IS 'Deletes the oldest rows of the audit log, those of the last year excepted; returns how many';

REVOKE ALL ON FUNCTION forget_audit FROM PUBLIC;
GRANT EXECUTE ON FUNCTION forget_audit TO coccinelle_worker;
