-- Rows of a sort in the order in which they are listed: whatever else there is, a rare one is found without passing it by.
-- The statistics tell which sorts an hour holds.
CREATE INDEX integration_sync_logs_by_sort
    ON integration_sync_logs (integration_id, kind, sync_type, status, created_at DESC, id) INCLUDE (tenant_id);
CREATE INDEX integration_webhook_logs_by_outcome
    ON integration_webhook_logs (integration_id, outcome, created_at DESC, id) WHERE integration_id IS NOT NULL;

COMMENT ON INDEX integration_sync_logs_by_sort IS
    'Lists the attempts of an integration that are of one kind, type and end, without reading their rows';
COMMENT ON INDEX integration_webhook_logs_by_outcome IS 'Lists the deliveries for an integration of which the same became';
