ALTER TABLE integration_field_mappings DROP COLUMN reading_since;
