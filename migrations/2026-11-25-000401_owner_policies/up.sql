-- `admin` works as the owner, who is subject to policies as well: it seals secrets anew and erases tenants.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY[
        'integration_oauth_tokens', 'integration_mapping_versions', 'integration_field_mappings',
        'records', 'record_identities', 'record_links', 'record_conflicts',
        'integration_sync_logs', 'integration_webhook_logs', 'inbox', 'event_acceptances'
    ] LOOP
        EXECUTE format('CREATE POLICY owner_all_tenants ON %I TO CURRENT_USER USING (true)', name);
    END LOOP;
END
$$;
