COMMENT ON COLUMN available_integrations.auth IS
    'How a tenant may prove its account: oauth2, api_key, or both with a comma between, the one to prefer first';
