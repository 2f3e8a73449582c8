-- A run announces what an integration owes of a kind page by page, in the order of the ids: each page begins where the one before ended,
-- and without an index of that order all that is owed would be sorted for each.
CREATE INDEX record_links_owed_by_kind ON record_links (integration_id, kind, id) WHERE owed;
COMMENT ON INDEX record_links_owed_by_kind IS 'Walks over what an integration owes of a kind, a page at a time';
