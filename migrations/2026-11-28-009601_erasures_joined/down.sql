COMMENT ON COLUMN erasures.record_id IS 'The contact';
DELETE FROM erasures AS later USING erasures AS first
WHERE later.tenant_id = first.tenant_id AND later.record_id = first.record_id
  AND (first.requested_at, first.id) < (later.requested_at, later.id);
DROP INDEX erasures_by_record;
ALTER TABLE erasures ADD CONSTRAINT erasures_tenant_id_record_id_key UNIQUE (tenant_id, record_id);
