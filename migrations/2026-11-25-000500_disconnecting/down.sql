CREATE OR REPLACE VIEW integration_sync_queue WITH (security_invoker = true) AS
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
