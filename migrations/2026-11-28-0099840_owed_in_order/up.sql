-- The order in which what is owed is asked for, so that the first hundred of a hundred thousand are found without sorting all of them.
-- The old one goes last: whoever drops an index keeps everybody from the table until the transaction ends, readers as well.
CREATE INDEX record_links_owed_in_order ON record_links (integration_id, announced_at NULLS FIRST, id) WHERE owed;
DROP INDEX record_links_owed;
