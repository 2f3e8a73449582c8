-- Who changes a mapping makes the links that know an older one owed at once.
GRANT UPDATE (wanted_mapping, waits_for) ON record_links TO coccinelle_gateway;
