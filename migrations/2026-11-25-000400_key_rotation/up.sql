ALTER TABLE tenants ADD COLUMN previous_data_key text;
COMMENT ON COLUMN tenants.previous_data_key IS
    'The data key before this one, sealed likewise, while some secrets are still sealed under it; null otherwise';
