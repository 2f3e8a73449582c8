ALTER TABLE integration_subscriptions DROP COLUMN is_standing, DROP COLUMN secret_made_at;
