-- Rows of a rare sort are found without reading those of all others: the index says of each what a list is asked by, and whose it is.
CREATE INDEX integration_sync_logs_listed ON integration_sync_logs (integration_id, created_at DESC, id)
    INCLUDE (tenant_id, kind, sync_type, direction, status);
DROP INDEX integration_sync_logs_by_integration;

COMMENT ON INDEX integration_sync_logs_listed IS
    'Lists the attempts of an integration, and tells which are of the wanted kind, way, sort and end without reading their rows';
