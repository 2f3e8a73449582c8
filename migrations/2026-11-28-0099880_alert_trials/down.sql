ALTER TABLE alert_messages DROP COLUMN is_trial;
DROP TABLE alert_trials;
