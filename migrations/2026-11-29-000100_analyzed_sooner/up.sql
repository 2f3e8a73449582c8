-- Statistics follow a flood sooner than after a tenth of a big table: one customer's back-fill is a hundredth of it, and is nobody's yet
-- in what they say.
ALTER TABLE records SET (autovacuum_analyze_scale_factor = 0.01);
ALTER TABLE record_identities SET (autovacuum_analyze_scale_factor = 0.01);
ALTER TABLE record_links SET (autovacuum_analyze_scale_factor = 0.01);
ALTER TABLE record_conflicts SET (autovacuum_analyze_scale_factor = 0.01);
