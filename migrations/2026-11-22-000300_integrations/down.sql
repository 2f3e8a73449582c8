DROP TABLE integration_oauth_tokens;
DROP TABLE integration_health;
DROP TABLE tenant_integrations;
