DROP INDEX record_links_owed;
CREATE INDEX record_links_owed ON record_links (integration_id, announced_at, id) WHERE owed;
