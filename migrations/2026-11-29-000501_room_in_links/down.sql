ALTER TABLE record_links RESET (fillfactor);
