CREATE INDEX records_by_update ON records (tenant_id, kind, updated_at DESC, id);
DROP INDEX records_by_id;
