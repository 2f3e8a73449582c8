DROP INDEX integration_webhook_logs_refused;
DROP TABLE alert_messages;
DROP TABLE incidents;
