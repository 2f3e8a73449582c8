CREATE INDEX integration_sync_logs_by_integration ON integration_sync_logs (integration_id, created_at DESC, id);
DROP INDEX integration_sync_logs_listed;
