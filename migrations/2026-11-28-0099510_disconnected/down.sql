CREATE OR REPLACE FUNCTION account_has_others(of_platform text, of_account text, besides text) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    SELECT EXISTS (
        SELECT FROM tenant_integrations
        WHERE platform = of_platform AND account_id = of_account AND id <> besides AND deleted_at IS NULL)
$$;
