REVOKE DELETE ON integration_sync_logs, integration_webhook_logs FROM coccinelle_worker;
DROP TABLE tenant_settings;
