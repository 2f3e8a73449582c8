-- A month of work of one integration. `bench.tenant`, `bench.integration`, `bench.records` and `bench.lines` say whose, and how much.

SET timezone = 'UTC';

CREATE TEMP TABLE whose AS
SELECT tenant_id AS tenant, integration.id AS integration, backend.id AS backend,
       current_setting('bench.records')::bigint AS records, ceil(current_setting('bench.lines')::numeric / 720)::bigint AS hourly
FROM tenant_integrations AS integration JOIN tenant_integrations AS backend USING (tenant_id)
WHERE integration.id = current_setting('bench.integration') AND tenant_id = current_setting('bench.tenant')
  AND backend.platform = 'coccinelle';

-- The last 720 hours that are over. The first ten characters of an id are the time that it was made at.
CREATE TEMP TABLE hours AS
SELECT place, at, stamp
FROM generate_series(1, 720) AS place,
     LATERAL (SELECT date_trunc('hour', now()) - place * interval '1 hour' AS at) AS hour,
     LATERAL (SELECT string_agg(substr('0123456789abcdefghjkmnpqrstvwxyz',
                  ((extract(epoch FROM at)::bigint * 1000 >> (45 - 5 * digit)) & 31)::int + 1, 1), '' ORDER BY digit) AS stamp
              FROM generate_series(0, 9) AS digit) AS stamped;

CREATE TEMP TABLE wrongs AS
SELECT place, class, code, message, format('%s:%s:%s', class, code, message) AS fingerprint
FROM (VALUES (0, 'invalid', 'INVALID_EMAIL', 'L’adresse est refusée'), (1, 'forbidden', 'MISSING_SCOPES', 'Le droit manque'),
             (2, 'conflict', 'CONTACT_EXISTS', 'Le contact existe'), (3, 'unavailable', 'TIMEOUT', 'Pas de réponse'))
    AS wrong (place, class, code, message);

-- Of fifty people, one is blocked and one is owed.
CREATE TEMP TABLE people AS
SELECT n, at, 'rec_' || stamp || lpad(n::text, 16, '0') AS record, 'lnk_' || stamp || lpad(n::text, 16, '0') AS link,
       'lnk_' || stamp || lpad(n::text, 16, 'b') AS told, 'cfl_' || stamp || lpad(n::text, 16, '0') AS conflict,
       format('personne.%s@example.fr', n) AS email, '+336' || lpad(n::text, 8, '0') AS phone,
       (ARRAY['Éloïse', 'Zoé', 'Jean', 'Aïcha', 'Marc'])[1 + n % 5] AS first_name,
       (ARRAY['Martin', 'Lefèvre', 'Marchand', 'Nguyen', 'Benali', 'Roux', 'Œuvrard'])[1 + n % 7] AS last_name,
       class, code, message, fingerprint, wrongs.place IS NOT NULL AS is_blocked
FROM whose, generate_series(1, records) AS n
JOIN hours ON hours.place = 1 + n % 720
LEFT JOIN wrongs ON n % 50 = 7 AND wrongs.place = n / 50 % 4;
ALTER TABLE people ADD PRIMARY KEY (n);
ANALYZE hours, people;

INSERT INTO records (id, tenant_id, kind, version, created_at, updated_at, fields)
SELECT record, tenant, 'contact', 1, at, at,
       (SELECT jsonb_object_agg(name, jsonb_build_object('v', value, 't', at, 'o', backend))
        FROM (VALUES ('first_name', first_name), ('last_name', last_name), ('email', email), ('phone', phone),
                     ('city', 'Nîmes'), ('company', 'Garage Martin')) AS field (name, value))
FROM people, whose;

INSERT INTO record_identities (tenant_id, kind, scheme, value, record_id)
SELECT tenant, 'contact', scheme, value, record
FROM people, whose, LATERAL (VALUES ('email', email), ('phone', phone), ('coccinelle', n::text)) AS known (scheme, value);

INSERT INTO record_links (id, tenant_id, integration_id, record_id, kind, external_id, sent, seen, seen_at, wanted_version,
    synced_version, owed_since, blocked_at, error_class, error_code, error_message, fingerprint, failed_at, created_at, updated_at)
SELECT link, tenant, integration, record, 'contact', (100000 + n)::text, content, content, at, CASE n % 50 WHEN 8 THEN 2 ELSE 1 END,
       1, CASE n % 50 WHEN 8 THEN at END, CASE WHEN is_blocked THEN at END, class, code, message, fingerprint,
       CASE WHEN is_blocked THEN at END, at, at
FROM people, whose, LATERAL (SELECT jsonb_build_object('email', email, 'phone', phone, 'firstname', first_name,
    'lastname', last_name, 'city', 'Nîmes', 'company', 'Garage Martin') AS content) AS written
UNION ALL
SELECT told, tenant, backend, record, 'contact', n::text, '{}', '{}', at, 1, 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, at, at
FROM people, whose;

-- Of twenty people, one lost a value; of a hundred, one is told apart from another by hand.
INSERT INTO record_conflicts (id, tenant_id, record_id, reason, field, lost, kept, other_id, created_at)
SELECT conflict, tenant, record, 'adopted', 'city', jsonb_build_object('v', 'Arles', 't', at, 'o', integration),
       jsonb_build_object('v', 'Nîmes', 't', at, 'o', backend), NULL, at
FROM people, whose WHERE n % 20 = 0
UNION ALL
SELECT people.conflict, tenant, people.record, 'identity', 'phone', to_jsonb(people.phone), NULL, other.record, people.at
FROM whose, people JOIN people AS other ON other.n = people.n + 1 WHERE people.n % 100 = 1;

-- Of 20,000 attempts, one is with a deal: what is rare is looked for longest.
INSERT INTO integration_sync_logs (id, created_at, tenant_id, integration_id, sync_type, direction, status, kind, record_id,
    link_id, external_id, error_class, error_code, error_message, fingerprint, payload_sent, response_received, duration_ms,
    attempt, correlation_id, changes)
SELECT 'log_' || stamp || lpad(number::text, 16, '0'), hours.at + make_interval(secs => 3600.0::float8 * turn / hourly), tenant,
       integration, CASE WHEN number % 10 = 0 THEN 'create' WHEN is_inward THEN 'read' ELSE 'update' END,
       CASE WHEN is_inward THEN 'from_platform' ELSE 'to_platform' END, CASE WHEN is_blocked THEN 'failed' ELSE 'success' END,
       CASE WHEN number % 20000 = 0 THEN 'deal' ELSE 'contact' END, record, link, (100000 + n)::text, class, code, message,
       fingerprint, jsonb_build_object('properties', jsonb_build_object('email', email, 'lastname', last_name, 'city', 'Nîmes')),
       jsonb_build_object('id', (100000 + n)::text, 'archived', false), 20 + number % 400, 1 + (number % 30 = 0)::int,
       md5(number::text), jsonb_build_object('city', jsonb_build_object('before', NULL, 'after', 'Nîmes'))
FROM whose, hours, LATERAL generate_series(0, hourly - 1) AS turn,
     LATERAL (SELECT (place - 1) * hourly + turn AS number) AS counted, LATERAL (SELECT number % 10 IN (1, 2) AS is_inward) AS way,
     people
WHERE people.n = 1 + number % records;

INSERT INTO integration_webhook_logs (id, created_at, platform, tenant_id, integration_id, delivery_id, verified, outcome,
    marked, body, correlation_id)
SELECT 'whk_' || stamp || lpad(turn::text, 16, '0'), at + turn * interval '4 minutes', 'hubspot', tenant, integration,
       format('%s-%s', place, turn), true, 'applied', 1,
       '[{"subscriptionType": "contact.propertyChange", "objectId": 100001, "propertyName": "city"}]'::jsonb,
       md5((place * hourly)::text)
FROM whose, hours, generate_series(0, 14) AS turn;

INSERT INTO integration_stats_hourly (integration_id, hour, kind, sync_type, direction, outcome, error_class, tenant_id, count,
    first_successes, retries, durations)
SELECT integration_id, date_trunc('hour', created_at), kind, sync_type, direction, status, coalesce(error_class, ''), tenant_id,
       count(*), count(*) FILTER (WHERE status = 'success' AND attempt = 1), count(*) FILTER (WHERE attempt > 1),
       array_fill(0::bigint, ARRAY[20]) || array_fill(1 + count(*) / 20, ARRAY[20]) || array_fill(0::bigint, ARRAY[40])
FROM integration_sync_logs, whose WHERE integration_id = integration GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
ON CONFLICT DO NOTHING;

INSERT INTO integration_errors_hourly (integration_id, hour, fingerprint, tenant_id, code, message, count, last_at)
SELECT integration_id, date_trunc('hour', created_at), fingerprint, tenant_id, min(error_code), min(error_message), count(*),
       max(created_at)
FROM integration_sync_logs, whose WHERE integration_id = integration AND fingerprint IS NOT NULL GROUP BY 1, 2, 3, 4
ON CONFLICT DO NOTHING;

INSERT INTO integration_drift_samples (integration_id, at, tenant_id, owed, blocked)
SELECT integration, at + turn * interval '5 minutes', tenant, (place + turn) % 50, records / 50
FROM whose, hours, generate_series(0, 11) AS turn
ON CONFLICT DO NOTHING;

UPDATE integration_health SET status = 'active', last_sync_at = now(), last_sync_status = 'success', last_success_at = now(),
    last_error = 'Pas de réponse', last_error_at = now() - interval '1 hour', error_count = 0
FROM whose WHERE integration_id = integration;

UPDATE sync_runs SET state = 'done', ended_at = now() FROM whose WHERE integration_id = integration AND ended_at IS NULL;

INSERT INTO sync_runs (id, tenant_id, integration_id, trigger, direction, kinds, mode, state, counts, created_at, started_at, ended_at)
SELECT 'run_' || stamp || lpad(place::text, 16, '0'), tenant, integration, 'scheduled', 'bidirectional', ARRAY['contact'],
       CASE place % 24 WHEN 0 THEN 'full' ELSE 'since_last' END, 'done', '{"contact": {"read": 10000, "changed": 3}}'::jsonb, at, at,
       at + interval '1 minute'
FROM whose, hours;
