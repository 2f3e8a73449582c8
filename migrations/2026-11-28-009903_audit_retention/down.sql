DROP FUNCTION forget_audit;
DROP INDEX audit_log_by_age;
COMMENT ON TABLE audit_log IS 'Who changed what, one row a change, written together with the change. Nobody changes or deletes a row';
