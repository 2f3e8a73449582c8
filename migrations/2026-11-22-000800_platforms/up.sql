CREATE TABLE available_integrations (
    platform    text PRIMARY KEY,
    name        text        NOT NULL,
    category    text        NOT NULL,
    auth        text        NOT NULL,
    kinds       text[]      NOT NULL,
    docs_url    text        NOT NULL,
    is_offered  boolean     NOT NULL DEFAULT true,
    updated_at  timestamptz NOT NULL DEFAULT now()
);

COMMENT ON TABLE available_integrations IS
    'The catalogue, written from the connectors'' own descriptors by every `admin migrate`';
COMMENT ON COLUMN available_integrations.platform IS 'The platform''s slug';
COMMENT ON COLUMN available_integrations.name IS 'The platform''s own spelling of its name';
COMMENT ON COLUMN available_integrations.category IS 'What it is for, as in crm';
COMMENT ON COLUMN available_integrations.auth IS 'How a tenant proves its account: api_key or oauth2';
COMMENT ON COLUMN available_integrations.kinds IS 'The kinds of record that it holds';
COMMENT ON COLUMN available_integrations.docs_url IS 'Where its API is described';
COMMENT ON COLUMN available_integrations.is_offered IS 'False once the software no longer has the connector';
COMMENT ON COLUMN available_integrations.updated_at IS 'When the row was last written';

GRANT SELECT ON available_integrations TO coccinelle_gateway, coccinelle_worker;

CREATE TABLE platform_budgets (
    platform     text             NOT NULL,
    account_id   text             NOT NULL,
    tokens       double precision NOT NULL,
    granted      integer          NOT NULL DEFAULT 0,
    refilled_at  timestamptz      NOT NULL,
    paused_until timestamptz,
    PRIMARY KEY (platform, account_id)
) WITH (fillfactor = 50);

COMMENT ON TABLE platform_budgets IS
    'How many requests an account may still be sent: one bucket for all replicas and all tenants that use the account';
COMMENT ON COLUMN platform_budgets.platform IS 'The platform''s slug';
COMMENT ON COLUMN platform_budgets.account_id IS 'The platform''s id of the account';
COMMENT ON COLUMN platform_budgets.tokens IS 'Requests in the bucket at refilled_at';
COMMENT ON COLUMN platform_budgets.granted IS 'Requests granted to the last one who asked; 0 sent it away to wait';
COMMENT ON COLUMN platform_budgets.refilled_at IS 'Up to when the bucket was refilled';
COMMENT ON COLUMN platform_budgets.paused_until IS 'Until when the platform asked to be left alone';

-- No tenant's row: an account's limit is shared by all who use it.
GRANT SELECT, INSERT, UPDATE ON platform_budgets TO coccinelle_gateway, coccinelle_worker;
