ALTER TABLE integration_sync_logs ADD COLUMN changes_left_out bigint NOT NULL DEFAULT 0;

COMMENT ON COLUMN integration_sync_logs.changes_left_out IS
    'How many fields more it changed, or was to change, than changes holds, which ends at 32 KiB';

-- Erasing a person takes it back with the rest.
GRANT UPDATE (changes_left_out) ON integration_sync_logs TO coccinelle_gateway, coccinelle_worker;
