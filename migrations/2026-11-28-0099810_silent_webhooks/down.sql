DROP INDEX sync_runs_unheard;

COMMENT ON COLUMN sync_runs.counts IS 'Kind to what was read, changed, announced, gone, owed, failed, and the total where known';
