-- Outcomes until the broker has confirmed them, each a row that comes and goes: beside its link, forgetting them was one more update of
-- the link, with an entry in each of its indexes.
--
-- Without a foreign key, as the log: an outcome is told also where its link has given way meanwhile. It comes in one statement with a
-- link that is locked, so whoever erases takes the links first and finds all of them.
CREATE TABLE unpublished_outcomes (
    id         text PRIMARY KEY,
    link_id    text        NOT NULL,
    tenant_id  text        NOT NULL,
    outcome    jsonb       NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE unpublished_outcomes IS
    'Outcomes that were committed with their links and are not yet confirmed on the broker; then the row goes';
COMMENT ON COLUMN unpublished_outcomes.id IS 'The id of the log''s row, log_…; later ones sort after earlier ones';
COMMENT ON COLUMN unpublished_outcomes.link_id IS 'The link that was worked on, which may be gone by now';
COMMENT ON COLUMN unpublished_outcomes.tenant_id IS 'Whose it is';
COMMENT ON COLUMN unpublished_outcomes.outcome IS 'What the log is to be told';
COMMENT ON COLUMN unpublished_outcomes.created_at IS 'When it was committed with its link';

ALTER TABLE unpublished_outcomes ENABLE ROW LEVEL SECURITY;
ALTER TABLE unpublished_outcomes FORCE ROW LEVEL SECURITY;
CREATE POLICY gateway_own_tenant ON unpublished_outcomes TO coccinelle_gateway USING (tenant_id = current_tenant());
CREATE POLICY worker_all_tenants ON unpublished_outcomes TO coccinelle_worker USING (true);
CREATE POLICY owner_all_tenants ON unpublished_outcomes TO CURRENT_USER USING (true);
-- The gateway takes them away with a person that it erases.
GRANT SELECT, DELETE ON unpublished_outcomes TO coccinelle_gateway;
GRANT SELECT, INSERT, UPDATE, DELETE ON unpublished_outcomes TO coccinelle_worker;

-- The column and its index go in a later release, once no version that writes them runs any more and no outcome is left there.
COMMENT ON COLUMN record_links.unpublished IS
    'Outcomes of a version before that are not yet confirmed on the broker; those of this one are in unpublished_outcomes';
