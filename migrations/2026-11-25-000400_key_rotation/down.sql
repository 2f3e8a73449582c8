ALTER TABLE tenants DROP COLUMN previous_data_key;
