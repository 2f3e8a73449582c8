//! What a migration may not do while the version before runs on beside it. How a migration is written is the module's above.

use super::LAST_FREE;
use crate::tidy::Finding;
use crate::tidy::tree::File;

/// How somebody says that the version before minds none of it.
const CONTRACT: &str = "-- contract: ";

/// Before what is carried out in a block, by `EXECUTE` or in a `WITH`.
const OPENINGS: [&str; 7] = [" begin ", " loop ", " then ", " else ", "execute format('", "execute '", " as ("];

/// What the version that still runs could miss once a migration is applied, or could be refused.
#[derive(Clone, Copy, Debug)]
enum Harm<'a> {
    /// It may still use this.
    Takes(&'a str),
    /// It may still write otherwise.
    Demands(&'a str),
}

impl<'a> Harm<'a> {
    fn act(self) -> &'a str {
        match self {
            Self::Takes(act) | Self::Demands(act) => act,
        }
    }

    /// What can be said, of a version, for which it is none.
    fn denial(self) -> &'static str {
        match self {
            Self::Takes(_) => "no longer reads it",
            Self::Demands(_) => "keeps to it",
        }
    }
}

/// A migration goes first and the services after it, so those that still run have to do with what it leaves.
pub(super) fn contract(up: &File, statements: &str, all: &str) -> Option<Finding> {
    let name = up.path.split('/').nth(1).unwrap_or_default();
    let statements = without_bodies(statements);
    let harms = harms(&statements, all);
    let denied = |denial: &str| {
        let said = up.text.lines().filter_map(|line| line.trim().strip_prefix(CONTRACT));
        said.filter(|said| said.trim_end_matches('.').ends_with(denial)).count()
    };
    // Each has to be denied: who says it of one column has not said it of the next.
    let harm = ["no longer reads it", "keeps to it"]
        .into_iter()
        .find_map(|denial| harms.iter().filter(|harm| harm.denial() == denial).nth(denied(denial)))?;
    let advice = format!(
        "`{}`: the version before runs on beside it. Leave it for one release, and say then from which: \
         `{CONTRACT}VERSION {}`",
        harm.act(),
        harm.denial()
    );
    (name > LAST_FREE).then(|| Finding::of(&up.path, advice))
}

/// All that may harm the version that still runs. What was made before in the same migration it does not know yet.
fn harms<'a>(statements: &'a str, all: &str) -> Vec<Harm<'a>> {
    let (mut harms, mut made) = (Vec::new(), Vec::new());
    for statement in statements.split(';') {
        for act in acts(statement) {
            match altered(act) {
                Some((table, _)) if made.contains(&table) => {}
                Some((_, actions)) => harms.extend(actions.into_iter().filter_map(|action| of_action(action, all))),
                None => harms.extend(of_statement(act, &made, all)),
            }
        }
        made.extend(makes(statement));
    }
    harms
}

/// What a migration carries out: what stands in a function is carried out when that is called.
fn without_bodies(statements: &str) -> String {
    let mut before = "";
    let kept = statements.split("$$").enumerate().filter(|(place, part)| {
        let opens = before.rsplit(';').next().unwrap_or_default();
        let is_body = place % 2 == 1 && !opens.trim_start().starts_with("do ");
        before = *part;
        !is_body
    });
    kept.map(|(_, part)| part).collect::<Vec<_>>().join("$$")
}

/// A statement, and what it ends with where it is in a block: `do $$ begin alter table a` is `alter table a` as well.
fn acts(statement: &str) -> impl Iterator<Item = &str> {
    let within = OPENINGS.into_iter().flat_map(move |opening| {
        statement.match_indices(opening).filter_map(move |(place, _)| statement.get(place + opening.len()..))
    });
    std::iter::once(statement).chain(within).map(str::trim)
}

/// The name of the table, function or view that is made.
fn makes(statement: &str) -> Option<&str> {
    let (sort, rest) = statement.trim_start().strip_prefix("create ")?.split_once(' ')?;
    let name = rest.trim_start_matches("if not exists ").split([' ', '(']).next()?;
    ["table", "function", "view"].contains(&sort).then_some(name)
}

/// Which table is altered, and by what.
fn altered(act: &str) -> Option<(&str, Vec<&str>)> {
    let rest = act.strip_prefix("alter table ")?;
    let (table, actions) = rest.trim_start_matches("if exists ").trim_start_matches("only ").split_once(' ')?;
    Some((table, parts(actions)))
}

/// What stands between the commas, but for those within parentheses and brackets.
fn parts(list: &str) -> Vec<&str> {
    let mut depth = 0_u32;
    let parts = list.split(|letter: char| {
        match letter {
            '(' | '[' => depth += 1,
            ')' | ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        letter == ',' && depth == 0
    });
    parts.map(str::trim).collect()
}

/// What is done to a table that was there.
fn of_action<'a>(action: &'a str, all: &str) -> Option<Harm<'a>> {
    let (verb, rest) = action.split_once(' ')?;
    match verb {
        "drop" if rest.starts_with("constraint ") => is_named_by_conflicts(rest, all).then_some(Harm::Takes(action)),
        "drop" | "rename" | "detach" => Some(Harm::Takes(action)),
        "alter" => {
            let (_, change) = rest.strip_prefix("column ").unwrap_or(rest).split_once(' ')?;
            // What may be empty once its NOT NULL is dropped, the version before could not read.
            if ["drop ", "type ", "set data type "].iter().any(|words| change.starts_with(words)) {
                return Some(Harm::Takes(action));
            }
            change.starts_with("set not null").then_some(Harm::Demands(action))
        }
        "add" => is_narrower(rest).then_some(Harm::Demands(action)),
        // Rows that no policy lets it see are gone for it.
        "enable" | "force" if rest.starts_with("row level security") => Some(Harm::Takes(action)),
        _ => None,
    }
}

/// Whether a constraint is one by which an `ON CONFLICT` finds its row. What any other let through before it went is let through afterwards.
fn is_named_by_conflicts(dropped: &str, all: &str) -> bool {
    let name = dropped.trim_start_matches("constraint ").trim_start_matches("if exists ").split(' ').next();
    name.is_some_and(|name| {
        let is_made = |sort: &str| all.contains(&format!("constraint {name} {sort}"));
        // What PostgreSQL calls those that nobody has named.
        name.ends_with("_key") || name.ends_with("_pkey") || is_made("unique") || is_made("primary key")
    })
}

/// Whether what is added refuses what the version before writes: a column that may not be left empty, or a constraint.
///
/// One that is `NOT VALID` for the rows that are there holds for every row that is written. A column's own check lets pass what is empty,
/// but where it says otherwise.
fn is_narrower(added: &str) -> bool {
    let first = added.split([' ', '(']).next().unwrap_or_default();
    let is_filled = || [" default ", " generated "].iter().any(|words| added.contains(words));
    ["constraint", "check", "unique", "primary", "foreign", "exclude"].contains(&first)
        || ([" not null", " primary key"].iter().any(|words| added.contains(words)) && !is_filled())
        // All that it fills with one value are alike.
        || (added.contains(" unique") && added.contains(" default "))
}

/// What is done otherwise than by altering a table.
fn of_statement<'a>(act: &'a str, made: &[&str], all: &str) -> Option<Harm<'a>> {
    let (verb, rest) = act.split_once(' ')?;
    match verb {
        "drop" => is_missed(rest, all).then_some(Harm::Takes(act)),
        "truncate" => Some(Harm::Takes(act)),
        "delete" => {
            let table = rest.strip_prefix("from ")?.trim_start_matches("only ").split([' ', ')']).next()?;
            (!made.contains(&table)).then_some(Harm::Takes(act))
        }
        "revoke" => (!is_of(rest, made)).then_some(Harm::Takes(act)),
        "alter" => (rest.contains(" rename ") || rest.starts_with("policy ")).then_some(Harm::Takes(act)),
        "create" => {
            let rest = rest.strip_prefix("or replace ").unwrap_or(rest);
            let (sort, table) = rest.split_once(" on ")?;
            let table = table.trim_start_matches("only ").split([' ', '(']).next()?;
            let is_of = |sorts: &[&str]| sorts.iter().any(|words| sort.starts_with(words));
            let harm = if is_of(&["unique index", "trigger ", "constraint trigger "]) {
                Harm::Demands(act)
            } else if is_of(&["policy "]) && rest.contains(" as restrictive") {
                Harm::Takes(act)
            } else {
                return None;
            };
            (!made.contains(&table)).then_some(harm)
        }
        _ => None,
    }
}

/// Whether what is dropped is more than what makes something fast: a unique index is named by the columns of an `ON CONFLICT`.
fn is_missed(dropped: &str, all: &str) -> bool {
    let Some(indexes) = dropped.strip_prefix("index ") else { return true };
    let names = parts(indexes.trim_start_matches("concurrently ").trim_start_matches("if exists "));
    let mut names = names.into_iter().filter_map(|name| name.split(' ').next());
    names.any(|name| all.contains(&format!("create unique index {name} ")))
}

/// Whether rights are revoked of nothing but what is made here, as that everybody may call a function.
fn is_of(revoked: &str, made: &[&str]) -> bool {
    let Some((names, _)) = revoked.split_once(" on ").and_then(|(_, rest)| rest.rsplit_once(" from ")) else {
        return false;
    };
    let names = ["function ", "table "].into_iter().find_map(|sort| names.strip_prefix(sort)).unwrap_or(names);
    parts(names).into_iter().filter_map(|name| name.split('(').next()).all(|name| made.contains(&name))
}

#[cfg(test)]
mod tests {
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
        is_harmless(&[
            "DROP INDEX IF EXISTS i;",
            "-- DROP TABLE a;\nSELECT 1;",
            "COMMENT ON TABLE a IS 'Drop table it';",
        ]);
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
        is_harmless(&[
            "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN DELETE FROM a; TRUNCATE b; END $$;",
        ]);
        takes(&[
            "DO $$ BEGIN DELETE FROM a; END $$; CREATE FUNCTION f() RETURNS void AS $$ BEGIN DELETE FROM a; END $$;",
        ]);
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
}
