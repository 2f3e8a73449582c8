ALTER TABLE integration_health ADD COLUMN failing_since timestamptz;

COMMENT ON COLUMN integration_health.failing_since IS
    'About when the first of the attempts failed that error_count counts; says nothing where that is 0';
