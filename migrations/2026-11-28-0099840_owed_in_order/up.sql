-- The order in which what is owed is asked for, so that the first hundred of a hundred thousand are found without sorting all of them.
DROP INDEX record_links_owed;
CREATE INDEX record_links_owed ON record_links (integration_id, announced_at NULLS FIRST, id) WHERE owed;
