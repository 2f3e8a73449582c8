DROP INDEX record_links_named;
