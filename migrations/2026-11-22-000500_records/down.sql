DROP VIEW integration_sync_queue;
DROP TABLE record_conflicts;
DROP TABLE record_links;
DROP TABLE record_identities;
DROP TABLE records;
ALTER TABLE tenant_integrations DROP COLUMN linked_version;
