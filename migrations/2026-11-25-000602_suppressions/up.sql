-- Erasing a person: what keeps it from coming back, and what the gateway may take away for it.

CREATE TABLE suppression_keys (
    tenant_id      text PRIMARY KEY REFERENCES tenants (id) ON DELETE CASCADE,
    integration_id text        NOT NULL REFERENCES tenant_integrations (id) ON DELETE CASCADE,
    key_sealed     text        NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE suppression_keys IS 'The key of each tenant''s suppressions, made when it first erases a person';
COMMENT ON COLUMN suppression_keys.tenant_id IS 'Whose it is';
COMMENT ON COLUMN suppression_keys.integration_id IS 'The integration of Coccinelle''s backend, to which what is sealed is bound';
COMMENT ON COLUMN suppression_keys.key_sealed IS 'The key, sealed under the tenant''s data key';
COMMENT ON COLUMN suppression_keys.created_at IS 'When it was made';

CREATE TABLE suppressions (
    id         text PRIMARY KEY,
    tenant_id  text        NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    record_id  text        NOT NULL,
    scheme     text        NOT NULL CHECK (scheme IN ('coccinelle', 'email', 'phone', 'external_id')),
    hash       text        NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (tenant_id, hash)
);
CREATE INDEX suppressions_by_time ON suppressions (tenant_id, created_at DESC, id DESC);
COMMENT ON TABLE suppressions IS 'Identifiers of erased persons, as keyed hashes: what bears one is not taken in again';
COMMENT ON COLUMN suppressions.id IS 'sup_…';
COMMENT ON COLUMN suppressions.tenant_id IS 'Whose it is';
COMMENT ON COLUMN suppressions.record_id IS 'The record that was erased: the same for all identifiers of a person';
COMMENT ON COLUMN suppressions.scheme IS 'coccinelle, email, phone or external_id (a platform''s id of an object)';
COMMENT ON COLUMN suppressions.hash IS 'HMAC-SHA-256 of the identifier under the tenant''s suppression key, hexadecimal';
COMMENT ON COLUMN suppressions.created_at IS 'When the person was erased, or its erasure begun';

CREATE TABLE erased_records (
    id        text PRIMARY KEY,
    tenant_id text        NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    erased_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX erased_records_by_time ON erased_records (tenant_id, erased_at DESC);
COMMENT ON TABLE erased_records IS 'Records and links that were erased: what is still logged of them loses its content';
COMMENT ON COLUMN erased_records.id IS 'rec_… or lnk_…';
COMMENT ON COLUMN erased_records.tenant_id IS 'Whose it was';
COMMENT ON COLUMN erased_records.erased_at IS 'When';

CREATE TABLE pending_erasures (
    record_id    text PRIMARY KEY REFERENCES records (id) ON DELETE CASCADE,
    tenant_id    text        NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    requested_at timestamptz NOT NULL DEFAULT now(),
    begun_at     timestamptz
);
COMMENT ON TABLE pending_erasures IS 'Persons who are deleted on the platforms first, and erased once that is done or given up';
COMMENT ON COLUMN pending_erasures.record_id IS 'The contact';
COMMENT ON COLUMN pending_erasures.tenant_id IS 'Whose it is';
COMMENT ON COLUMN pending_erasures.requested_at IS 'When somebody asked for it';
COMMENT ON COLUMN pending_erasures.begun_at IS 'When the deletions were made owed';

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['suppression_keys', 'suppressions', 'erased_records', 'pending_erasures'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY gateway_own_tenant ON %I TO coccinelle_gateway '
                       'USING (tenant_id = current_tenant())', name);
        EXECUTE format('CREATE POLICY worker_all_tenants ON %I TO coccinelle_worker USING (true)', name);
        EXECUTE format('CREATE POLICY owner_all_tenants ON %I TO CURRENT_USER USING (true)', name);
        EXECUTE format('GRANT SELECT, INSERT, DELETE ON %I TO coccinelle_gateway', name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO coccinelle_worker', name);
    END LOOP;
END
$$;

-- A list of texts out of what a statement is told; constant in it, so that indexes serve.
CREATE FUNCTION texts(told jsonb, list text) RETURNS text[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ARRAY(SELECT jsonb_array_elements_text(told -> list));
COMMENT ON FUNCTION texts(jsonb, text) IS 'The texts of a list in a JSON object';

GRANT DELETE ON records, record_identities, record_links, record_conflicts, record_aliases TO coccinelle_gateway;
-- To lock a record, so that nobody changes what is being erased.
GRANT UPDATE (version) ON records TO coccinelle_gateway;
GRANT UPDATE (payload_sent, response_received, external_id, error_message, fingerprint) ON integration_sync_logs
    TO coccinelle_gateway, coccinelle_worker;
GRANT UPDATE (body) ON integration_webhook_logs TO coccinelle_gateway, coccinelle_worker;
GRANT UPDATE (last_error) ON integration_health TO coccinelle_gateway;
GRANT DELETE ON event_acceptances TO coccinelle_gateway;
GRANT DELETE ON sync_run_objects TO coccinelle_gateway;

-- Both run as their owner, since the gateway may read nothing of the inbox.
CREATE FUNCTION erase_from_waiting_events(subjects text[], emails text[], phones text[]) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    erased bigint;
BEGIN
    -- By the text first: the payload of another type may hold the character NUL, which makes every JSON operator fail.
    WITH waiting AS MATERIALIZED (
        SELECT id, payload::text::jsonb AS payload FROM inbox
        WHERE message_type = 'event.merge.v1'
          AND strpos(payload::text, '"tenant_id":"' || current_tenant() || '"') > 0
    ), kept AS (
        SELECT id, payload, (
            SELECT coalesce(jsonb_agg(event ORDER BY place), '[]')
            FROM jsonb_array_elements(payload -> 'events') WITH ORDINALITY AS events (event, place)
            WHERE NOT coalesce(event ->> 'subject_id' = ANY (subjects), false)
              AND NOT coalesce(event ->> 'prospect_id' = ANY (subjects), false)
              AND NOT coalesce(lower(event #>> '{data,email}') = ANY (emails), false)
              AND NOT coalesce(event #>> '{data,phone}' = ANY (phones), false)
        ) AS events
        FROM waiting
    )
    UPDATE inbox SET payload = jsonb_set(kept.payload, '{events}', kept.events)::json
    FROM kept WHERE kept.id = inbox.id AND kept.events <> kept.payload -> 'events';
    GET DIAGNOSTICS erased = ROW_COUNT;
    RETURN erased;
END
$$;
COMMENT ON FUNCTION erase_from_waiting_events(text[], text[], text[]) IS
    'Takes events of erased persons out of the present tenant''s messages that wait in the inbox; returns of how many';

CREATE FUNCTION erase_from_waiting_webhooks(accounts text[], external_ids text[]) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    mine     text := '(?<![0-9A-Za-z_-])(' || (SELECT string_agg(regexp_replace(a, '([^0-9A-Za-z])', '\\\1', 'g'), '|')
                                          FROM unnest(accounts) AS a) || ')(?![0-9A-Za-z_-])';
    named    text := '(?<![0-9A-Za-z_-])(' || (SELECT string_agg(regexp_replace(i, '([^0-9A-Za-z])', '\\\1', 'g'), '|')
                                          FROM unnest(external_ids) AS i WHERE i <> ALL (accounts)) || ')(?![0-9A-Za-z_-])';
    erased   bigint;
BEGIN
    -- The other changes of a delivery stay; this one is of object 0 then, which is nowhere.
    UPDATE inbox SET payload = regexp_replace(payload::text, named, '0', 'g')::json
    WHERE message_type = 'webhook.apply.v1' AND payload::text ~ mine AND payload::text ~ named;
    GET DIAGNOSTICS erased = ROW_COUNT;
    RETURN erased;
END
$$;
COMMENT ON FUNCTION erase_from_waiting_webhooks(text[], text[]) IS
    'Takes the ids of erased objects out of deliveries of these accounts that wait in the inbox; returns of how many';
CREATE POLICY erasure_owner ON inbox TO CURRENT_USER USING (true);
REVOKE ALL ON FUNCTION erase_from_waiting_events(text[], text[], text[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION erase_from_waiting_webhooks(text[], text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION erase_from_waiting_events(text[], text[], text[]) TO coccinelle_gateway, coccinelle_worker;
GRANT EXECUTE ON FUNCTION erase_from_waiting_webhooks(text[], text[]) TO coccinelle_gateway, coccinelle_worker;
