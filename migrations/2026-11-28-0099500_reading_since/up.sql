ALTER TABLE integration_field_mappings ADD COLUMN reading_since bigint NOT NULL DEFAULT 0;

COMMENT ON COLUMN integration_field_mappings.reading_since IS
    'The mapping''s version by which this field was first taken from there: a link that was in step by an older one reads it anew';
