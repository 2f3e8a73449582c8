DROP POLICY erasure_owner ON inbox;
DROP FUNCTION erase_from_waiting_webhooks(text[], text[]);
DROP FUNCTION erase_from_waiting_events(text[], text[], text[]);
REVOKE DELETE ON event_acceptances FROM coccinelle_gateway;
REVOKE DELETE ON sync_run_objects FROM coccinelle_gateway;
REVOKE UPDATE (last_error) ON integration_health FROM coccinelle_gateway;
REVOKE UPDATE (body) ON integration_webhook_logs FROM coccinelle_gateway, coccinelle_worker;
REVOKE UPDATE (payload_sent, response_received, external_id, error_message, fingerprint) ON integration_sync_logs
    FROM coccinelle_gateway, coccinelle_worker;
REVOKE UPDATE (version) ON records FROM coccinelle_gateway;
REVOKE DELETE ON records, record_identities, record_links, record_conflicts, record_aliases FROM coccinelle_gateway;
DROP FUNCTION texts(jsonb, text);
DROP TABLE pending_erasures;
DROP TABLE erased_records;
DROP TABLE suppressions;
DROP TABLE suppression_keys;
