ALTER TABLE tenants ADD COLUMN conflict_policy jsonb NOT NULL DEFAULT '{}';
COMMENT ON COLUMN tenants.conflict_policy IS
    'Which system is believed where two disagree, by kind and field; empty: the latest change wins';

-- The gateway's policy holds for writing as well: a tenant changes its own.
GRANT UPDATE (conflict_policy) ON tenants TO coccinelle_gateway;
