-- What Coccinelle's backend was told: of records on its own link of each, of integrations beside their health.

ALTER TABLE record_links
    ADD COLUMN told jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN told_at timestamptz;
COMMENT ON COLUMN record_links.told IS
    'Of the backend''s own link: the objects that it was told stand for the record, {integration: external id}';
COMMENT ON COLUMN record_links.told_at IS 'Of the backend''s own link: when it last took what it was told';
COMMENT ON COLUMN record_links.sent IS
    'What we last wrote, in the platform''s terms; of the backend''s own link, what it took and has not shown since';
COMMENT ON COLUMN record_links.wanted_version IS
    'The record''s version that this system should reach; stays behind where the direction forbids writing. Of the backend''s own link, it counts the news';

ALTER TABLE integration_health
    ADD COLUMN told_status text,
    ADD COLUMN told_count bigint NOT NULL DEFAULT 0,
    ADD COLUMN tell_attempts integer NOT NULL DEFAULT 0,
    ADD COLUMN tell_after timestamptz;
COMMENT ON COLUMN integration_health.told_status IS 'The status that the backend was last told; null before the first time';
COMMENT ON COLUMN integration_health.told_count IS 'How many statuses it has taken';
COMMENT ON COLUMN integration_health.tell_attempts IS 'How often in a row the backend did not take the present one';
COMMENT ON COLUMN integration_health.tell_after IS 'It is not told before; also while somebody is telling it';

CREATE INDEX integration_health_untold ON integration_health (integration_id)
    WHERE status IS DISTINCT FROM told_status;
