-- Dropping an index takes this lock; taken behind that of making one, it would wait for whoever has read and waits to write.
LOCK TABLE sync_runs IN ACCESS EXCLUSIVE MODE;
-- A run that waits for consent keeps no other from beginning. One that was given it goes on beside whichever is under way, so that
-- agreeing is never refused, by the version before either. Whatever this index refuses, the one that goes refused as well, and no
-- statement finds its conflict by that:
-- contract: 0.1.0 keeps to it
-- contract: 0.1.0 no longer reads it
CREATE UNIQUE INDEX sync_runs_one_under_way ON sync_runs (integration_id)
    WHERE ended_at IS NULL AND state <> 'needs_confirmation' AND NOT confirmed;
CREATE INDEX sync_runs_asking ON sync_runs (integration_id) WHERE state = 'needs_confirmation';
COMMENT ON TABLE sync_runs IS
    'A full or scheduled sync of one integration; one of an integration is under way, beside those that ask, or were answered';
COMMENT ON COLUMN incidents.trigger IS
    'failing, reauth_required, webhook_unverified, webhook_removed, drift, needs_confirmation; for operators platform_down or '
    'dead_letters';
DROP INDEX sync_runs_one_live;
