-- A name of theirs may be split into several fields of ours; whatever is written stands for one field of ours still.
ALTER TABLE integration_field_mappings DROP CONSTRAINT integration_field_mappings_pkey;
ALTER TABLE integration_field_mappings DROP CONSTRAINT integration_field_mappings_integration_id_kind_position_key;
ALTER TABLE integration_field_mappings ADD PRIMARY KEY (integration_id, kind, position);
CREATE UNIQUE INDEX integration_field_mappings_remote ON integration_field_mappings (integration_id, kind, remote_field)
    WHERE transform ->> 'type' <> 'split';

COMMENT ON TABLE integration_field_mappings IS
    'Which of our fields is which of the platform''s; one row a remote field, or one for each part that it is split into';
