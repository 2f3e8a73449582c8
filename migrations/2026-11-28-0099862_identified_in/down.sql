ALTER TABLE tenants DROP COLUMN identified_in, DROP COLUMN region_since;
