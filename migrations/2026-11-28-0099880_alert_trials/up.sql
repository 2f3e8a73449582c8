-- Somebody tries out whether alerts arrive: the gateway notes that they asked, and log-writer writes to whom the settings name.
CREATE TABLE alert_trials (
    tenant_id  text PRIMARY KEY REFERENCES tenants (id) ON DELETE CASCADE,
    asked_at   timestamptz NOT NULL DEFAULT now(),
    written_at timestamptz
);
CREATE INDEX alert_trials_due ON alert_trials (asked_at) WHERE written_at IS NULL;

COMMENT ON TABLE alert_trials IS 'When each tenant last asked for an alert on trial; one that never did has no row';
COMMENT ON COLUMN alert_trials.tenant_id IS 'Whose it is';
COMMENT ON COLUMN alert_trials.asked_at IS 'When it was asked for; soon after, no other is taken';
COMMENT ON COLUMN alert_trials.written_at IS 'When its messages were put on their way; null until then';

ALTER TABLE alert_trials ENABLE ROW LEVEL SECURITY;
ALTER TABLE alert_trials FORCE ROW LEVEL SECURITY;
CREATE POLICY gateway_own_tenant ON alert_trials TO coccinelle_gateway USING (tenant_id = current_tenant());
CREATE POLICY worker_all_tenants ON alert_trials TO coccinelle_worker USING (true);
CREATE POLICY owner_all_tenants ON alert_trials TO CURRENT_USER USING (true);
GRANT SELECT, INSERT, UPDATE ON alert_trials TO coccinelle_gateway;
GRANT SELECT, UPDATE ON alert_trials TO coccinelle_worker;

ALTER TABLE alert_messages ADD COLUMN is_trial boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN alert_messages.is_trial IS
    'Whether somebody tried out if it arrives: it tells of no incident, and keeps no message about one waiting';
