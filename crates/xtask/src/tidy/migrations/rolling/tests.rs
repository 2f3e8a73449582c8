//! Each sort of harm, and what is none.

use super::*;
use crate::tidy::migrations::check;
use crate::tidy::tree::Tree;

/// What is found of a migration that came after the rule, of which this stands in the first.
fn harm(before: &str, up: &str) -> Vec<String> {
    let first = "migrations/2026-01-01-000000_a/up.sql";
    let files = [
        (first, before),
        ("migrations/2026-01-01-000000_a/down.sql", "SELECT 1;"),
        ("migrations/2026-12-01-000100_later/up.sql", up),
        ("migrations/2026-12-01-000100_later/down.sql", "SELECT 1;"),
    ];
    let found = check(&Tree::of(&files)).into_iter().filter(|finding| finding.path != first);
    found.map(|finding| finding.advice).collect()
}

/// Each is found alone, and not where it is said that the version before does not mind, in these words and no others.
fn is_found_unless_denied(all: &[&str], denial: &str, other: &str) {
    for up in all {
        assert_eq!(harm("SELECT 1;", up).len(), 1, "{up}");
        assert_eq!(harm("SELECT 1;", &format!("-- contract: 0.2.0 {denial}.\n{up}")), Vec::<String>::new(), "{up}");
        assert_eq!(harm("SELECT 1;", &format!("-- contract: 0.2.0 {other}\n{up}")).len(), 1, "{up}");
    }
}

fn takes(all: &[&str]) {
    is_found_unless_denied(all, "no longer reads it", "keeps to it");
}

fn demands(all: &[&str]) {
    is_found_unless_denied(all, "keeps to it", "no longer reads it");
}

fn is_harmless(all: &[&str]) {
    for up in all {
        assert_eq!(harm("SELECT 1;", up), Vec::<String>::new(), "{up}");
    }
}

#[test]
fn what_came_before_the_rule_is_free() {
    let of = |name: &str| {
        let place = |half: &str| format!("migrations/{name}/{half}.sql");
        let halves = [(place("up"), "DROP TABLE a;"), (place("down"), "SELECT 1;")];
        check(&Tree::of(&halves.each_ref().map(|(path, text)| (path.as_str(), *text)))).len()
    };
    assert_eq!((of("2026-11-28-009101_before_the_rule"), of(LAST_FREE)), (0, 0));
    assert_eq!((of("2026-11-28-0099600_next"), of("2026-12-01-000100_later")), (1, 1));
}

#[test]
fn finds_what_goes_away_or_is_called_otherwise() {
    takes(&[
        "DROP TABLE a;",
        "DROP FUNCTION f(text);",
        "DROP POLICY p ON a;",
        "DROP TRIGGER t ON a;",
        "ALTER TABLE a RENAME COLUMN b TO c;",
        "ALTER TABLE a RENAME TO c; CREATE TABLE a (b text); COMMENT ON TABLE a IS 'a';",
        "ALTER TYPE a RENAME VALUE 'b' TO 'c';",
    ]);
    is_harmless(&["DROP INDEX IF EXISTS i;", "-- DROP TABLE a;\nSELECT 1;", "COMMENT ON TABLE a IS 'Drop table it';"]);
}

#[test]
fn finds_columns_that_go_with_and_without_the_word() {
    takes(&[
        "ALTER TABLE a DROP COLUMN b, DROP CONSTRAINT c;",
        "ALTER TABLE a DROP b;",
        "ALTER TABLE IF EXISTS ONLY a DROP IF EXISTS b CASCADE;",
        "ALTER TABLE a ADD COLUMN b numeric(10, 2), DROP c;",
    ]);
    is_harmless(&["ALTER TABLE a DROP CONSTRAINT c;", "ALTER TABLE a ADD b text; -- Who can drop column c?"]);
}

#[test]
fn finds_columns_that_hold_something_else_than_before() {
    takes(&[
        "ALTER TABLE a ALTER COLUMN b TYPE bigint;",
        "ALTER TABLE a ALTER b SET DATA TYPE text USING b::text;",
        "ALTER TABLE a ALTER b DROP NOT NULL;",
        "ALTER TABLE a ALTER COLUMN b DROP DEFAULT;",
    ]);
    is_harmless(&["ALTER TABLE a ALTER COLUMN type SET DEFAULT 'x';", "ALTER TABLE a SET (fillfactor = 70);"]);
}

#[test]
fn finds_columns_that_may_not_be_left_empty() {
    demands(&[
        "ALTER TABLE a ALTER b SET NOT NULL;",
        "ALTER TABLE a ADD COLUMN b text NOT NULL, ADD COLUMN c text NOT NULL DEFAULT '';",
        "ALTER TABLE a ADD b text NOT NULL;",
        "ALTER TABLE a ADD c text DEFAULT '', ADD IF NOT EXISTS b text NOT NULL;",
        "ALTER TABLE a ADD b text CHECK (b IS NOT NULL);",
        "ALTER TABLE a ADD b text PRIMARY KEY;",
        "ALTER TABLE a ADD b text DEFAULT 'x' UNIQUE;",
    ]);
    is_harmless(&[
        "ALTER TABLE a ADD COLUMN b text NOT NULL DEFAULT 'x';",
        "ALTER TABLE a ADD b text[] NOT NULL DEFAULT ARRAY['x', 'y'];",
        "ALTER TABLE a ADD b bigint NOT NULL GENERATED ALWAYS AS IDENTITY;",
        "ALTER TABLE a ADD b text CHECK (b <> '');",
        "ALTER TABLE a ADD b text NOT NULL DEFAULT 'x' CHECK (b IS NOT NULL);",
        "ALTER TABLE a ADD b text UNIQUE;",
    ]);
}

#[test]
fn finds_constraints_that_the_version_before_does_not_know() {
    demands(&[
        "ALTER TABLE a ADD CONSTRAINT c CHECK (b <> '');",
        "ALTER TABLE a ADD CHECK (b <> '');",
        // It holds for what is written from now on.
        "ALTER TABLE a ADD CONSTRAINT c CHECK (b <> '') NOT VALID;",
        // Who knows `d` alone fills it alone.
        "ALTER TABLE a ADD COLUMN b text, ADD CONSTRAINT c CHECK (b IS NOT NULL OR d IS NULL);",
        "ALTER TABLE a ADD UNIQUE (b, c);",
        "ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES c (id);",
        "CREATE UNIQUE INDEX i ON a (b);",
        "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON a (b) WHERE c;",
        "CREATE UNIQUE INDEX ON ONLY a(b);",
    ]);
    is_harmless(&["CREATE INDEX i ON a (b);", "ALTER TABLE a ADD COLUMN b text REFERENCES c (id);"]);
}

#[test]
fn finds_a_unique_index_that_a_conflict_is_found_by() {
    let before = "CREATE UNIQUE INDEX one ON a (b); CREATE INDEX fast ON a (c);";
    assert_eq!(harm(before, "DROP INDEX fast;"), Vec::<String>::new());
    for up in ["DROP INDEX one;", "DROP INDEX CONCURRENTLY IF EXISTS fast, one CASCADE;"] {
        assert_eq!(harm(before, up).len(), 1, "{up}");
    }
}

#[test]
fn finds_a_constraint_that_a_conflict_is_found_by() {
    let before = "CREATE TABLE a (b text, c text, CONSTRAINT one UNIQUE (b), CONSTRAINT short CHECK (c <> '')); \
        COMMENT ON TABLE a IS 'a';";
    assert_eq!(harm(before, "ALTER TABLE a DROP CONSTRAINT short;"), Vec::<String>::new());
    for name in ["one", "a_pkey", "IF EXISTS a_b_key CASCADE"] {
        assert_eq!(harm(before, &format!("ALTER TABLE a DROP CONSTRAINT {name};")).len(), 1, "{name}");
    }
}

#[test]
fn finds_rights_that_are_taken() {
    takes(&["REVOKE UPDATE (b) ON a FROM coccinelle_gateway;", "REVOKE ALL ON FUNCTION f(text) FROM PUBLIC;"]);
    let made = "CREATE FUNCTION f(text, text) RETURNS text LANGUAGE sql AS $$ SELECT 1 $$; \
        REVOKE ALL ON FUNCTION f(text, text) FROM PUBLIC;";
    is_harmless(&[made, "GRANT TRUNCATE ON a TO coccinelle_worker;"]);
    takes(&[made.replace("text) FROM", "text), g FROM").as_str()]);
}

#[test]
fn finds_rows_that_go() {
    takes(&[
        "TRUNCATE a;",
        "TRUNCATE TABLE ONLY a CASCADE;",
        "DELETE FROM a WHERE b;",
        "WITH c AS (SELECT 1), gone AS (DELETE FROM a RETURNING b) INSERT INTO d SELECT b FROM gone;",
        "ALTER TABLE a DETACH PARTITION b;",
    ]);
}

#[test]
fn finds_rows_that_are_hidden() {
    takes(&[
        "ALTER TABLE a ENABLE ROW LEVEL SECURITY;",
        "ALTER TABLE a FORCE ROW LEVEL SECURITY;",
        "ALTER POLICY p ON a USING (b);",
        "CREATE POLICY p ON a AS RESTRICTIVE USING (b);",
    ]);
    is_harmless(&["CREATE POLICY p ON a USING (b);"]);
}

#[test]
fn finds_what_is_done_beside_each_write() {
    demands(&[
        "CREATE TRIGGER t BEFORE INSERT ON a FOR EACH ROW EXECUTE FUNCTION f();",
        "CREATE OR REPLACE TRIGGER t AFTER UPDATE ON a EXECUTE FUNCTION f();",
        "CREATE CONSTRAINT TRIGGER t AFTER INSERT ON a EXECUTE FUNCTION f();",
    ]);
}

#[test]
fn what_stands_in_a_function_is_not_carried_out() {
    is_harmless(&["CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN DELETE FROM a; TRUNCATE b; END $$;"]);
    takes(&["DO $$ BEGIN DELETE FROM a; END $$; CREATE FUNCTION f() RETURNS void AS $$ BEGIN DELETE FROM a; END $$;"]);
}

#[test]
fn each_harm_has_to_be_denied() {
    let up = "-- contract: 0.2.0 no longer reads it.\nDROP TABLE a;\nDROP TABLE b;";
    assert!(harm("SELECT 1;", up)[0].starts_with("`drop table b`"));
    assert_eq!(harm("SELECT 1;", &format!("-- contract: 0.2.0 no longer reads it\n{up}")), Vec::<String>::new());
}

#[test]
fn finds_what_is_done_in_a_block() {
    takes(&[
        "DO $$ BEGIN ALTER TABLE a DROP b; END $$;",
        "DO $$ BEGIN IF EXISTS (SELECT FROM c) THEN DROP TABLE a; END IF; END $$;",
        "DO $$ BEGIN EXECUTE 'TRUNCATE a'; END $$;",
        "DO LANGUAGE plpgsql $$ BEGIN DROP TABLE a; END $$;",
        "DO $$ DECLARE name text; BEGIN FOREACH name IN ARRAY ARRAY['a'] LOOP \
         EXECUTE format('ALTER TABLE %I DROP b', name); END LOOP; END $$;",
    ]);
}

#[test]
fn nobody_misses_anything_of_a_table_that_is_made_in_the_same_migration() {
    is_harmless(&["CREATE TABLE a (b text); COMMENT ON TABLE a IS 'a'; CREATE UNIQUE INDEX i ON a (b); \
        ALTER TABLE a ENABLE ROW LEVEL SECURITY; CREATE TRIGGER t AFTER INSERT ON a EXECUTE FUNCTION f(); \
        DELETE FROM a; ALTER TABLE a ADD CONSTRAINT c CHECK (b <> ''), ALTER b SET NOT NULL; REVOKE ALL ON TABLE a FROM PUBLIC;"]);
}
