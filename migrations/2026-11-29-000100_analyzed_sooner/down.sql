ALTER TABLE record_conflicts RESET (autovacuum_analyze_scale_factor);
ALTER TABLE record_links RESET (autovacuum_analyze_scale_factor);
ALTER TABLE record_identities RESET (autovacuum_analyze_scale_factor);
ALTER TABLE records RESET (autovacuum_analyze_scale_factor);
