DROP TABLE sync_run_objects;
DROP TABLE sync_runs;
