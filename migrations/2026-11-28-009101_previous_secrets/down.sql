ALTER TABLE integration_webhook_secrets ADD COLUMN previous_sealed text, ADD COLUMN previous_until timestamptz,
    ADD CHECK ((previous_sealed IS NULL) = (previous_until IS NULL));
COMMENT ON TABLE integration_webhook_secrets IS
    'The secret that signs the webhooks of an integration, where it is ours to choose: the present one and the one before';
COMMENT ON COLUMN integration_webhook_secrets.previous_sealed IS
    'The secret before, sealed likewise; null where there was none';
COMMENT ON COLUMN integration_webhook_secrets.previous_until IS 'Until when the secret before still verifies';
UPDATE integration_webhook_secrets AS present
SET previous_sealed = before.previous_sealed, previous_until = before.verifies_until
FROM (SELECT DISTINCT ON (integration_id) * FROM integration_previous_secrets ORDER BY integration_id, made_at DESC) AS before
WHERE before.integration_id = present.integration_id;
DROP TABLE integration_previous_secrets;
COMMENT ON COLUMN idempotency_keys.key_hash IS 'SHA-256 of the caller and the key';
COMMENT ON COLUMN idempotency_keys.request_hash IS 'SHA-256 of the body';
DELETE FROM idempotency_keys;
