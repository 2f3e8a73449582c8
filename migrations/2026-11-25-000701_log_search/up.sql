-- Failures are few, so what finds them by fingerprint or in order costs the hot path little.
CREATE INDEX integration_sync_logs_failed
    ON integration_sync_logs (integration_id, created_at DESC, id) WHERE status = 'failed';
CREATE INDEX integration_sync_logs_by_fingerprint
    ON integration_sync_logs (integration_id, fingerprint, created_at DESC, id) WHERE fingerprint IS NOT NULL;
CREATE INDEX integration_sync_logs_by_link ON integration_sync_logs (link_id, created_at DESC, id);
CREATE INDEX integration_sync_logs_by_trace ON integration_sync_logs (correlation_id, created_at);
CREATE INDEX integration_webhook_logs_by_trace ON integration_webhook_logs (correlation_id, created_at);
