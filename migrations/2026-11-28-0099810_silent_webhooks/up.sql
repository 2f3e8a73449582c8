-- Few runs find anything that a webhook should have told of, and all integrations are looked at every half a minute.
CREATE INDEX sync_runs_unheard ON sync_runs (created_at, integration_id) WHERE counts @? '$.*.unheard ? (@ > 0)';

COMMENT ON COLUMN sync_runs.counts IS
    'Kind to what was read, changed, unheard of, announced, gone, owed, failed, and the total where known';
