ALTER TABLE integration_health DROP COLUMN failing_since;
