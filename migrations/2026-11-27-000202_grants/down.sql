DROP FUNCTION account_has_others(text, text, text);
REVOKE INSERT, UPDATE ON integration_webhook_secrets FROM coccinelle_worker;
DROP TABLE integration_subscriptions;
DROP TABLE oauth_states;
DROP INDEX integration_oauth_tokens_idle;
ALTER TABLE integration_oauth_tokens
    DROP COLUMN edition,
    DROP COLUMN refresh_expires_at,
    DROP COLUMN base_url,
    DROP COLUMN shown_at,
    DROP COLUMN refreshed_at,
    DROP COLUMN ended_cause;
