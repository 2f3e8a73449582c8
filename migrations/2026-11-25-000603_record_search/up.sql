-- A name as somebody types it. Decomposed, an accent is a character of its own, and falls away.
CREATE FUNCTION plain_name(name text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
    RETURN btrim(regexp_replace(
        replace(replace(replace(
            lower(regexp_replace(normalize(name, NFKD), U&'[\0300-\036F]', '', 'g')),
            'œ', 'oe'), 'æ', 'ae'), 'ß', 'ss'),
        '\s+', ' ', 'g'));
COMMENT ON FUNCTION plain_name(text) IS 'A name in lower case, without accents, its words one space apart';

-- Both ways of saying a name, each found by how it begins. Other kinds than contacts have a title, name or number.
ALTER TABLE records
    ADD COLUMN name_forward text COLLATE "C" GENERATED ALWAYS AS (left(plain_name(
        coalesce(fields #>> '{first_name,v}', fields #>> '{title,v}', fields #>> '{name,v}', fields #>> '{number,v}', '')
        || ' ' || coalesce(fields #>> '{last_name,v}', '')), 200)) STORED,
    ADD COLUMN name_backward text COLLATE "C" GENERATED ALWAYS AS (left(plain_name(
        coalesce(fields #>> '{last_name,v}', '') || ' ' || coalesce(fields #>> '{first_name,v}', '')), 200)) STORED;
CREATE INDEX records_by_name ON records (tenant_id, kind, name_forward) WHERE name_forward <> '';
CREATE INDEX records_by_last_name ON records (tenant_id, kind, name_backward) WHERE name_backward <> '';
COMMENT ON COLUMN records.name_forward IS 'First and last name, or the title, as plain_name() makes it: for finding it by its beginning';
COMMENT ON COLUMN records.name_backward IS 'Last and first name, in the same way';
