COMMENT ON COLUMN record_links.unpublished IS 'Outcomes that are not yet confirmed on the broker';
-- Where the version before looks for them.
UPDATE record_links AS link SET unpublished = link.unpublished || waiting.outcomes
FROM (
    SELECT link_id, jsonb_agg(outcome ORDER BY id) AS outcomes FROM unpublished_outcomes GROUP BY link_id
) AS waiting
WHERE waiting.link_id = link.id;
DROP TABLE unpublished_outcomes;
