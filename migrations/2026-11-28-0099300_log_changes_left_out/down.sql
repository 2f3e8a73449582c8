ALTER TABLE integration_sync_logs DROP COLUMN changes_left_out;
