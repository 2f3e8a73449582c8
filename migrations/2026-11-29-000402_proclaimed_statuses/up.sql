-- What other services heard of an integration does not wait for what Coccinelle's backend takes.
ALTER TABLE integration_health ADD COLUMN proclaimed_status text;
COMMENT ON COLUMN integration_health.proclaimed_status IS
    'The status that was last said on the topic exchange; null before the first time, and where two were said at once';

-- What the backend took until now, other services were told with it.
UPDATE integration_health SET proclaimed_status = told_status;

CREATE INDEX integration_health_unproclaimed ON integration_health (integration_id)
    WHERE status IS DISTINCT FROM proclaimed_status;
COMMENT ON INDEX integration_health_unproclaimed IS 'Finds the statuses that other services have not heard of';
