-- A long log: so many attempts of one integration over 90 days, and a tenth as many of all others together. `bench.busy`, `bench.quiet`
-- and `bench.rows` say whose, which of the others is asked for as well, and how many.

SET timezone = 'UTC';

CREATE TEMP TABLE whose AS
SELECT tenant_id AS tenant, id AS integration, count(*) OVER () - 1 AS others, current_setting('bench.rows')::bigint AS wanted,
       row_number() OVER (ORDER BY id <> current_setting('bench.busy'), id <> current_setting('bench.quiet'), id) - 1 AS place
FROM tenant_integrations WHERE platform = 'coccinelle';

-- The first is the one; each of the others has its share of a tenth, over the same 90 days.
CREATE TEMP TABLE shares AS
SELECT tenant, integration, place, share, interval '90 days' / share AS pace
FROM whose, LATERAL (SELECT CASE place WHEN 0 THEN wanted ELSE greatest(wanted / 10 / greatest(others, 1), 1) END AS share) AS shared;

-- Of 100 attempts, one fails, and of 20,000, one in its own way; of 5,000, one is a removal, and of 20,000, one is with a deal. There
-- are no orders. Each object is tried a hundred times in 90 days, and three attempts have a trace in common.
INSERT INTO integration_sync_logs (id, created_at, tenant_id, integration_id, sync_type, direction, status, kind, record_id,
    link_id, external_id, error_class, error_code, error_message, fingerprint, duration_ms, attempt, correlation_id)
SELECT 'log_' || lpad((n * 100 + place)::text, 26, '0'), now() - n * pace, tenant, integration,
       CASE WHEN n % 5000 = 4 THEN 'delete' WHEN n % 10 = 0 THEN 'create' WHEN n % 10 IN (1, 2) THEN 'read' ELSE 'update' END,
       CASE WHEN n % 10 IN (1, 2) THEN 'from_platform' ELSE 'to_platform' END,
       CASE WHEN is_failed THEN 'failed' ELSE 'success' END,
       CASE n % 20000 WHEN 3 THEN 'deal' ELSE 'contact' END,
       'rec_' || lpad((object * 100 + place)::text, 26, '0'), 'lnk_' || lpad((object * 100 + place)::text, 26, '0'), object::text,
       CASE WHEN is_failed THEN 'invalid' END, code,
       CASE WHEN is_failed THEN format('L’adresse personne.%s@example.fr est refusée', object) END, 'invalid:' || code || ':refused',
       20 + n % 400, 1, lpad(to_hex(n / 3 * 100 + place), 32, '0')
FROM shares, LATERAL generate_series(1, share) AS n,
     LATERAL (SELECT n % greatest(share / 100, 1) AS object, n % 100 = 7 AS is_failed,
                     CASE WHEN n % 20000 = 7 THEN 'RARE_FAILURE' WHEN n % 100 = 7 THEN 'INVALID_EMAIL' END AS code) AS told;

-- By the platform's ids of these objects, somebody looks.
INSERT INTO record_links (id, tenant_id, integration_id, kind, external_id)
SELECT 'lnk_' || lpad((object * 100 + place)::text, 26, '0'), tenant, integration, 'contact', object::text
FROM shares, generate_series(0, 249) AS object WHERE place <= 1;

-- Of 20,000 deliveries, one is ignored; none was refused.
INSERT INTO integration_webhook_logs (id, created_at, platform, tenant_id, integration_id, delivery_id, verified, outcome, reason,
    marked, correlation_id)
SELECT 'whk_' || lpad((n * 100 + place)::text, 26, '0'), now() - n * pace * 10, 'hubspot', tenant, integration, n::text, true,
       CASE n % 20000 WHEN 3 THEN 'ignored' ELSE 'applied' END, CASE n % 20000 WHEN 3 THEN 'nothing_to_read' END,
       CASE n % 20000 WHEN 3 THEN NULL ELSE 1 END, lpad(to_hex(n * 100 + place), 32, '0')
FROM shares, LATERAL generate_series(1, share / 10) AS n WHERE place <= 1;

-- What `log-writer` counts beside, anew and of everything.
DELETE FROM integration_stats_hourly;
INSERT INTO integration_stats_hourly (integration_id, hour, kind, sync_type, direction, outcome, error_class, tenant_id, count,
    first_successes, retries, durations)
SELECT integration_id, date_trunc('hour', created_at), kind, sync_type, direction, status, coalesce(error_class, ''), tenant_id,
       count(*), count(*) FILTER (WHERE status = 'success' AND attempt = 1), count(*) FILTER (WHERE attempt > 1),
       array_fill(0::bigint, ARRAY[20]) || array_fill(1 + count(*) / 20, ARRAY[20]) || array_fill(0::bigint, ARRAY[40])
FROM integration_sync_logs GROUP BY 1, 2, 3, 4, 5, 6, 7, 8;
