-- Two records that are both to be erased may become one: then one person has two wishes, each of which can be asked for.
ALTER TABLE erasures DROP CONSTRAINT erasures_tenant_id_record_id_key;
CREATE INDEX erasures_by_record ON erasures (tenant_id, record_id);
COMMENT ON COLUMN erasures.record_id IS 'The contact, or the one that it became';
