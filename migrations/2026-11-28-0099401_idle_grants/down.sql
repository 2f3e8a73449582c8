ALTER TABLE integration_oauth_tokens DROP COLUMN idle_tried_at;
