CREATE TABLE inbox (
    id           text PRIMARY KEY,
    message_type text        NOT NULL,
    queue        text        NOT NULL,
    trace        text        NOT NULL,
    payload      json        NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX inbox_by_age ON inbox (created_at, id);

COMMENT ON TABLE inbox IS 'Messages that were accepted while the broker was away, until it has confirmed them';
COMMENT ON COLUMN inbox.id IS 'msg_…, the message''s id on the broker as well: a duplicate is recognised there';
COMMENT ON COLUMN inbox.message_type IS 'The name of the payload''s type, with its version';
COMMENT ON COLUMN inbox.queue IS 'The queue that it is for';
COMMENT ON COLUMN inbox.trace IS 'The W3C traceparent that it continues';
COMMENT ON COLUMN inbox.payload IS 'The payload as it would have been sent; json, since jsonb refuses the character NUL';
COMMENT ON COLUMN inbox.created_at IS 'When it was accepted';

-- A message names its tenant only inside its payload, so the gateway may add messages and see none.
ALTER TABLE inbox ENABLE ROW LEVEL SECURITY;
ALTER TABLE inbox FORCE ROW LEVEL SECURITY;
CREATE POLICY gateway_adds ON inbox FOR INSERT TO coccinelle_gateway WITH CHECK (true);
CREATE POLICY worker_all_tenants ON inbox TO coccinelle_worker USING (true);

GRANT INSERT ON inbox TO coccinelle_gateway;
GRANT SELECT, INSERT, UPDATE, DELETE ON inbox TO coccinelle_worker;
