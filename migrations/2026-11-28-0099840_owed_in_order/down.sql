CREATE INDEX record_links_owed ON record_links (integration_id, announced_at, id) WHERE owed;
DROP INDEX record_links_owed_in_order;
