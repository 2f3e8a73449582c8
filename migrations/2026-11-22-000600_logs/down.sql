DROP FUNCTION drop_log_partitions(integer);
DROP FUNCTION ensure_log_partitions(integer);
DROP TABLE integration_webhook_logs;
DROP TABLE integration_sync_logs;
