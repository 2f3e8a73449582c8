CREATE TABLE app_subscriptions (
    platform   text PRIMARY KEY,
    checked_at timestamptz NOT NULL,
    asked_at   timestamptz,
    held_until timestamptz,
    problem    text
);

COMMENT ON TABLE app_subscriptions IS
    'Platforms whose webhooks are subscribed once for our whole app: when it was last seen to that they call us. One that was never looked at has no row';
COMMENT ON COLUMN app_subscriptions.platform IS 'The platform''s slug';
COMMENT ON COLUMN app_subscriptions.checked_at IS 'When somebody last looked, or began to';
COMMENT ON COLUMN app_subscriptions.asked_at IS
    'When an account was connected or disconnected, or its mapping changed; what is newer than checked_at is looked at soon';
COMMENT ON COLUMN app_subscriptions.held_until IS
    'Until when somebody is at it and all others leave it alone; null where nobody is';
COMMENT ON COLUMN app_subscriptions.problem IS 'What was wrong; null where the platform is told of all that is read, or nobody is connected';

-- No tenant's row. Whoever connects an account asks, and only a worker sees what all tenants read.
GRANT SELECT, UPDATE (asked_at) ON app_subscriptions TO coccinelle_gateway;
GRANT SELECT, INSERT, UPDATE ON app_subscriptions TO coccinelle_worker;
