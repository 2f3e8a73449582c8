DROP INDEX record_links_owed_by_kind;
