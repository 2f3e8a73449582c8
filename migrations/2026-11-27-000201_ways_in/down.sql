COMMENT ON COLUMN available_integrations.auth IS 'How a tenant proves its account: api_key or oauth2';
