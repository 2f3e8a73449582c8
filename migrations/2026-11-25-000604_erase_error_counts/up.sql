-- What errors say is counted in a table that comes later, and that the gateway only reads.
CREATE FUNCTION erase_from_error_counts(messages text[], written text[]) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    deleted bigint;
    emptied bigint;
BEGIN
    DELETE FROM integration_errors_hourly AS known WHERE tenant_id = current_tenant()
        AND EXISTS (SELECT FROM unnest(written) AS said WHERE strpos(lower(known.fingerprint), said) > 0);
    GET DIAGNOSTICS deleted = ROW_COUNT;
    UPDATE integration_errors_hourly SET message = code
    WHERE tenant_id = current_tenant() AND message = ANY (messages) AND message <> code;
    GET DIAGNOSTICS emptied = ROW_COUNT;
    RETURN deleted + emptied;
END
$$;
COMMENT ON FUNCTION erase_from_error_counts(text[], text[]) IS
    'Takes these messages, and whatever names these addresses or numbers, out of the present tenant''s error counts';

REVOKE ALL ON FUNCTION erase_from_error_counts(text[], text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION erase_from_error_counts(text[], text[]) TO coccinelle_gateway, coccinelle_worker;
