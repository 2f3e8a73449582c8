LOCK TABLE sync_runs IN ACCESS EXCLUSIVE MODE;
-- Of those that are live one may stay: what asks, or was answered, is found again by the next walk.
UPDATE sync_runs SET state = 'cancelled', ended_at = now(), not_before = NULL
WHERE ended_at IS NULL AND (state = 'needs_confirmation' OR confirmed);
-- The version before does not know the word.
DELETE FROM incidents WHERE trigger = 'needs_confirmation';
-- Whoever chose nothing else hears of all trouble, rather than of none.
UPDATE tenant_integrations SET alerts = CASE
    WHEN alerts -> 'triggers' = '["needs_confirmation"]' THEN alerts - 'triggers'
    ELSE jsonb_set(alerts, '{triggers}', (alerts -> 'triggers') - 'needs_confirmation') END
WHERE alerts -> 'triggers' ? 'needs_confirmation';
CREATE UNIQUE INDEX sync_runs_one_live ON sync_runs (integration_id) WHERE ended_at IS NULL;
COMMENT ON TABLE sync_runs IS 'A full or scheduled sync of one integration; at most one of an integration is live';
COMMENT ON COLUMN incidents.trigger IS
    'failing, reauth_required, webhook_unverified, webhook_removed, drift; for operators platform_down or dead_letters';
DROP INDEX sync_runs_asking;
DROP INDEX sync_runs_one_under_way;
