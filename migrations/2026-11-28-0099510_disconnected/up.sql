-- One that was disconnected and kept still knows whose account it was, and needs nothing of it.
CREATE OR REPLACE FUNCTION account_has_others(of_platform text, of_account text, besides text) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    SELECT EXISTS (
        SELECT FROM tenant_integrations AS other
        WHERE platform = of_platform AND account_id = of_account AND id <> besides AND deleted_at IS NULL
          AND (config_encrypted IS NOT NULL
               OR EXISTS (SELECT FROM integration_oauth_tokens AS held WHERE held.integration_id = other.id)))
$$;
