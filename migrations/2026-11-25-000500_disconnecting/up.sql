-- What a tenant disconnected is owed no more; its links stay, so that what was known can still be told.
CREATE OR REPLACE VIEW integration_sync_queue WITH (security_invoker = true) AS
SELECT id, tenant_id, integration_id, record_id, kind, external_id, owed_since AS created_at, attempts, not_before,
       CASE
           WHEN lease_until > now() THEN 'in progress'
           WHEN not_before > now() THEN 'waits to be retried'
           WHEN waits_for IS NOT NULL THEN 'waits for its ' || waits_for
           ELSE 'ready'
       END AS status,
       error_code, error_message
FROM record_links AS link
WHERE owed AND EXISTS (
    SELECT FROM tenant_integrations AS integration
    WHERE integration.id = link.integration_id AND integration.deleted_at IS NULL);
