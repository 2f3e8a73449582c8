ALTER TABLE integration_health
    DROP COLUMN told_status,
    DROP COLUMN told_count,
    DROP COLUMN tell_attempts,
    DROP COLUMN tell_after;
ALTER TABLE record_links
    DROP COLUMN told,
    DROP COLUMN told_at;
COMMENT ON COLUMN record_links.sent IS 'What we last wrote, in the platform''s terms';
COMMENT ON COLUMN record_links.wanted_version IS
    'The record''s version that this system should reach; stays behind where the direction forbids writing';
