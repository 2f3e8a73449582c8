ALTER TABLE integration_sync_logs ADD COLUMN changes jsonb;

COMMENT ON COLUMN integration_sync_logs.changes IS
    'The fields that it changed, or was to change: {name: {before, after}}, long values cut; null where there are none';

-- Erasing a person takes it out with the rest.
GRANT UPDATE (changes) ON integration_sync_logs TO coccinelle_gateway, coccinelle_worker;
