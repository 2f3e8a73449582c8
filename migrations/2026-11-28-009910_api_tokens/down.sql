ALTER TABLE sessions DROP COLUMN token_id;
DROP FUNCTION note_tokens_used;
DROP FUNCTION revoked_tokens;
DROP TABLE api_tokens;
