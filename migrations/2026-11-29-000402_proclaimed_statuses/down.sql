DROP INDEX integration_health_unproclaimed;
ALTER TABLE integration_health DROP COLUMN proclaimed_status;
