DROP TABLE record_aliases;
DROP INDEX record_conflicts_to_decide;
REVOKE UPDATE (decision, decided_at, applied_at) ON record_conflicts FROM coccinelle_gateway;
ALTER TABLE record_conflicts
    DROP CONSTRAINT decided_with_a_time,
    DROP COLUMN kept, DROP COLUMN decision, DROP COLUMN decided_at, DROP COLUMN applied_at;
