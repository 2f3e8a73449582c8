-- Few objects name a contact for whom no record stands, so the index holds those alone. `domain::link` knows the name that is read here.
CREATE INDEX record_links_named ON record_links (integration_id, (sent ->> '→named')) WHERE sent ->> '→named' IS NOT NULL;
COMMENT ON INDEX record_links_named IS 'Finds the objects that named a contact before a record stood for it, once one does';
