ALTER TABLE record_conflicts
    ADD COLUMN kept       jsonb,
    ADD COLUMN decision   text CHECK (decision IN ('restore', 'keep', 'merge', 'keep_apart')),
    ADD COLUMN decided_at timestamptz,
    ADD COLUMN applied_at timestamptz,
    ADD CONSTRAINT decided_with_a_time CHECK ((decision IS NULL) = (decided_at IS NULL));
CREATE INDEX record_conflicts_to_decide ON record_conflicts (tenant_id, created_at DESC, id DESC)
    WHERE reason IN ('adopted', 'overruled', 'identity');
CREATE INDEX record_conflicts_to_apply ON record_conflicts (decided_at)
    WHERE decision IS NOT NULL AND applied_at IS NULL;
COMMENT ON COLUMN record_conflicts.reason IS
    'adopted (at the first contact), overruled (two systems disagreed), replaced (one changed what it knew), unlinked (an object that a merge left alone) or identity (the identifier is another record''s)';
COMMENT ON COLUMN record_conflicts.kept IS 'The stamped value that it lost against; null where nobody noted it';
COMMENT ON COLUMN record_conflicts.decision IS 'What a person decided: restore, keep, merge or keep_apart; null while it is open';
COMMENT ON COLUMN record_conflicts.decided_at IS 'When that was decided';
COMMENT ON COLUMN record_conflicts.applied_at IS 'When the records followed the decision';

-- The gateway notes what was decided; the records follow by the dispatcher's hand.
GRANT UPDATE (decision, decided_at, applied_at) ON record_conflicts TO coccinelle_gateway;

CREATE TABLE record_aliases (
    id         text PRIMARY KEY,
    tenant_id  text        NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    record_id  text        NOT NULL REFERENCES records (id) ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX record_aliases_by_record ON record_aliases (record_id);
COMMENT ON TABLE record_aliases IS 'Ids of records that became one with another: they lead to it';
COMMENT ON COLUMN record_aliases.id IS 'rec_…, of the record that is no more';
COMMENT ON COLUMN record_aliases.tenant_id IS 'Whose it is';
COMMENT ON COLUMN record_aliases.record_id IS 'The record that it is now';
COMMENT ON COLUMN record_aliases.created_at IS 'When they became one';

ALTER TABLE record_aliases ENABLE ROW LEVEL SECURITY;
ALTER TABLE record_aliases FORCE ROW LEVEL SECURITY;
CREATE POLICY gateway_own_tenant ON record_aliases TO coccinelle_gateway USING (tenant_id = current_tenant());
CREATE POLICY worker_all_tenants ON record_aliases TO coccinelle_worker USING (true);
CREATE POLICY owner_all_tenants ON record_aliases TO CURRENT_USER USING (true);
GRANT SELECT ON record_aliases TO coccinelle_gateway;
GRANT SELECT, INSERT, UPDATE, DELETE ON record_aliases TO coccinelle_worker;
