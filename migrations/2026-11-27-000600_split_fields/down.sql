DELETE FROM integration_field_mappings WHERE transform ->> 'type' = 'split';
COMMENT ON TABLE integration_field_mappings IS 'Which of our fields is which of the platform''s; one row a remote field';
DROP INDEX integration_field_mappings_remote;
ALTER TABLE integration_field_mappings DROP CONSTRAINT integration_field_mappings_pkey;
ALTER TABLE integration_field_mappings ADD PRIMARY KEY (integration_id, kind, remote_field);
ALTER TABLE integration_field_mappings ADD UNIQUE (integration_id, kind, position);
