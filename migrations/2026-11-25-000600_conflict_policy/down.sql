ALTER TABLE tenants DROP COLUMN conflict_policy;
