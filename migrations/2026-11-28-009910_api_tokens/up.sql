CREATE TABLE api_tokens (
    id           text PRIMARY KEY,
    tenant_id    text        NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    name         text        NOT NULL,
    role         text        NOT NULL,
    hint         text        NOT NULL,
    created_by   text        NOT NULL,
    created_at   timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    last_used_at timestamptz,
    revoked_by   text,
    revoked_at   timestamptz,
    -- By its time, a token is found for whoever did not get the answer that showed it.
    UNIQUE (tenant_id, created_at)
);
CREATE INDEX api_tokens_by_end ON api_tokens (expires_at);
CREATE INDEX api_tokens_revoked ON api_tokens (expires_at) WHERE revoked_at IS NOT NULL;

COMMENT ON TABLE api_tokens IS
    'Bearer tokens that admins made for programs of theirs; the tokens themselves are kept nowhere. log-writer sweeps those that ended long ago';
COMMENT ON COLUMN api_tokens.id IS 'tok_…, which the token names as its jti';
COMMENT ON COLUMN api_tokens.tenant_id IS 'Whose it is';
COMMENT ON COLUMN api_tokens.name IS 'What it is called';
COMMENT ON COLUMN api_tokens.role IS 'What its bearer may do';
COMMENT ON COLUMN api_tokens.hint IS 'Its last characters';
COMMENT ON COLUMN api_tokens.created_by IS 'Who made it, as their own token calls them';
COMMENT ON COLUMN api_tokens.created_at IS 'When it was made';
COMMENT ON COLUMN api_tokens.expires_at IS 'When it ends, unless it is revoked before';
COMMENT ON COLUMN api_tokens.last_used_at IS 'When it let somebody in last, to a minute or so; null where it never did';
COMMENT ON COLUMN api_tokens.revoked_by IS 'Who revoked it; null where nobody has';
COMMENT ON COLUMN api_tokens.revoked_at IS 'When it was revoked; null where it is not';

ALTER TABLE api_tokens ENABLE ROW LEVEL SECURITY;
ALTER TABLE api_tokens FORCE ROW LEVEL SECURITY;
CREATE POLICY gateway_own_tenant ON api_tokens TO coccinelle_gateway USING (tenant_id = current_tenant());
CREATE POLICY worker_all_tenants ON api_tokens TO coccinelle_worker USING (true);
CREATE POLICY owner_all_tenants ON api_tokens TO CURRENT_USER USING (true);
GRANT SELECT, INSERT, UPDATE (revoked_by, revoked_at) ON api_tokens TO coccinelle_gateway;
GRANT SELECT, DELETE ON api_tokens TO coccinelle_worker;

-- The gateway refuses revoked tokens of all tenants, and sees no more of them than this.
CREATE FUNCTION revoked_tokens() RETURNS TABLE (id text, expires_at timestamptz)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    -- Clocks differ: one that has just ended here is still to be refused there.
    SELECT token.id, token.expires_at FROM api_tokens AS token
    WHERE token.revoked_at IS NOT NULL AND token.expires_at > now() - interval '1 hour'
$$;
COMMENT ON FUNCTION revoked_tokens IS 'The ids and ends of all revoked tokens that would still hold otherwise';

CREATE FUNCTION note_tokens_used(used text[]) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    -- A busy program is one write a minute, not one a request.
    UPDATE api_tokens SET last_used_at = now()
    WHERE id = ANY (used) AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')
$$;
COMMENT ON FUNCTION note_tokens_used IS 'Notes that these tokens, of whichever tenants, let somebody in';

REVOKE ALL ON FUNCTION revoked_tokens, note_tokens_used FROM PUBLIC;
GRANT EXECUTE ON FUNCTION revoked_tokens, note_tokens_used TO coccinelle_gateway;

ALTER TABLE sessions ADD COLUMN token_id text;
COMMENT ON COLUMN sessions.token_id IS
    'The listed token that began it, with which it ends; null where another token did';
