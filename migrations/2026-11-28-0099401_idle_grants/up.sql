ALTER TABLE integration_oauth_tokens ADD COLUMN idle_tried_at timestamptz;

COMMENT ON COLUMN integration_oauth_tokens.idle_tried_at IS
    'When somebody last set out to refresh the grant because nobody had used it for long; null before the first time';
