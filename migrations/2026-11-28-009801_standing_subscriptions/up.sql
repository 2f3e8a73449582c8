ALTER TABLE integration_subscriptions
    ADD COLUMN is_standing    boolean NOT NULL DEFAULT false,
    ADD COLUMN secret_made_at timestamptz;

COMMENT ON COLUMN integration_subscriptions.is_standing IS
    'Whether the platform was once found or made to call us: where it does not any more, it has taken that away';
COMMENT ON COLUMN integration_subscriptions.secret_made_at IS
    'When the secret was made that the platform was given, or that it chose; null where our app''s secret signs';
