//! The migrations: each can be undone, takes nothing from the version before and demands nothing new of it, every table says what it
//! is, and no tenant's is open to another.

use super::Finding;
use super::tree::{File, Tree};

/// The last one before the rule of the rolling upgrade: nobody has run a version from before it.
pub(crate) const LAST_FREE: &str = "2026-11-28-0099510_disconnected";

/// How somebody says that the version before minds none of it.
const CONTRACT: &str = "-- contract: ";

/// Before what is carried out in a block, or by `EXECUTE`.
const OPENINGS: [&str; 6] = [" begin ", " loop ", " then ", " else ", "execute format('", "execute '"];

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

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let ups: Vec<_> =
        tree.files().iter().filter(|file| file.path.starts_with("migrations/") && file.name() == "up.sql").collect();
    // A later migration may add what an earlier one owes.
    let all: String = ups.iter().map(|up| unroll(&statements(&up.text))).collect();
    let mut findings = pairs(tree);
    for up in ups {
        let statements = statements(&up.text);
        for table in tables(&statements) {
            findings.extend(table_advice(&table, &all).into_iter().map(|advice| Finding::of(&up.path, advice)));
        }
        findings.extend(views(up, &statements));
        findings.extend(contract(up, &unroll(&statements), &all));
    }
    findings
}

/// A migration goes first and the services after it, so those that still run have to do with what it leaves.
fn contract(up: &File, statements: &str, all: &str) -> Option<Finding> {
    let name = up.path.split('/').nth(1).unwrap_or_default();
    let is_said = |harm: &Harm| {
        let mut said = up.text.lines().filter_map(|line| line.trim().strip_prefix(CONTRACT));
        said.any(|said| said.trim_end_matches('.').ends_with(harm.denial()))
    };
    let harm = harms(statements, all).into_iter().find(|harm| !is_said(harm))?;
    let advice = format!(
        "`{}`: the version before runs on beside it. Leave it for one release, and say then from which: \
         `{CONTRACT}VERSION {}`",
        harm.act(),
        harm.denial()
    );
    (name > LAST_FREE).then(|| Finding::of(&up.path, advice))
}

/// All that may harm the version that still runs. What is made here it does not know yet.
fn harms<'a>(statements: &'a str, all: &str) -> Vec<Harm<'a>> {
    let made = made(statements);
    let mut harms = Vec::new();
    for act in acts(statements) {
        match altered(act) {
            Some((table, _)) if made.contains(&table) => {}
            Some((_, actions)) => harms.extend(actions.into_iter().filter_map(of_action)),
            None => harms.extend(of_statement(act, &made, all)),
        }
    }
    harms
}

/// Each statement, and what it ends with where it is in a block: `do $$ begin alter table a` is `alter table a` as well.
fn acts(statements: &str) -> impl Iterator<Item = &str> {
    statements.split(';').flat_map(|statement| {
        let within = OPENINGS.into_iter().filter_map(move |opening| Some(statement.rsplit_once(opening)?.1));
        std::iter::once(statement).chain(within).map(str::trim)
    })
}

/// The names of the tables, functions and views that are made here.
fn made(statements: &str) -> Vec<&str> {
    let names = statements.split(';').filter_map(|statement| {
        let (sort, rest) = statement.trim_start().strip_prefix("create ")?.split_once(' ')?;
        let name = rest.trim_start_matches("if not exists ").split([' ', '(']).next()?;
        ["table", "function", "view"].contains(&sort).then_some(name)
    });
    names.collect()
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
fn of_action(action: &str) -> Option<Harm<'_>> {
    let (verb, rest) = action.split_once(' ')?;
    match verb {
        // What a constraint let through before it went is let through afterwards.
        "drop" if rest.starts_with("constraint ") => None,
        "drop" | "rename" => Some(Harm::Takes(action)),
        "alter" => {
            let (_, change) = rest.strip_prefix("column ").unwrap_or(rest).split_once(' ')?;
            // What may be empty once its NOT NULL is dropped, the version before could not read.
            if ["drop ", "type ", "set data type "].iter().any(|words| change.starts_with(words)) {
                return Some(Harm::Takes(action));
            }
            change.starts_with("set not null").then_some(Harm::Demands(action))
        }
        "add" => is_narrower(rest).then_some(Harm::Demands(action)),
        _ => None,
    }
}

/// Whether what is added refuses what the version before writes: a column that may not be left empty, or a constraint.
///
/// One that is `NOT VALID` for the rows that are there holds for every row that is written.
fn is_narrower(added: &str) -> bool {
    let first = added.split([' ', '(']).next().unwrap_or_default();
    let is_filled = || [" default ", " generated "].iter().any(|words| added.contains(words));
    ["constraint", "check", "unique", "primary", "foreign", "exclude"].contains(&first)
        || (added.replace("is not null", "").contains(" not null") && !is_filled())
}

/// What is done otherwise than by altering a table.
fn of_statement<'a>(act: &'a str, made: &[&str], all: &str) -> Option<Harm<'a>> {
    let (verb, rest) = act.split_once(' ')?;
    match verb {
        "drop" => is_missed(rest, all).then_some(Harm::Takes(act)),
        "truncate" => Some(Harm::Takes(act)),
        "revoke" => (!is_of(rest, made)).then_some(Harm::Takes(act)),
        "alter" => rest.contains(" rename ").then_some(Harm::Takes(act)),
        "create" => {
            let (_, table) = rest.strip_prefix("unique index")?.split_once(" on ")?;
            let table = table.trim_start_matches("only ").split([' ', '(']).next()?;
            (!made.contains(&table)).then_some(Harm::Demands(act))
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

/// Every migration has both of its halves, neither empty.
fn pairs(tree: &Tree) -> Vec<Finding> {
    let missing = |name: &str, half: &str| {
        let path = format!("migrations/{name}/{half}.sql");
        let is_there = tree.get(&path).is_some_and(|file| !statements(&file.text).trim().is_empty());
        let advice = format!("write `{half}.sql`: a migration that cannot go both ways cannot be tried out");
        (!is_there).then(|| Finding::of(&path, advice))
    };
    let names = tree.below("migrations/");
    let folders = names.into_iter().filter(|name| !name.contains('.') || name.starts_with("20"));
    folders.flat_map(|name| ["up", "down"].into_iter().filter_map(move |half| missing(name, half))).collect()
}

#[derive(Debug)]
struct Table {
    name: String,
    columns: String,
}

fn table_advice(table: &Table, all: &str) -> Vec<String> {
    let name = &table.name;
    let mut advice = Vec::new();
    if !all.contains(&format!("comment on table {name} is")) {
        advice.push(format!("say what a row of `{name}` is: COMMENT ON TABLE {name} IS '…'"));
    }
    if table.columns.contains("tenant_id") {
        for wanted in ["enable row level security", "force row level security"] {
            if !all.contains(&format!("alter table {name} {wanted}")) {
                advice.push(format!("`{name}` has a tenant: ALTER TABLE {name} {}", wanted.to_uppercase()));
            }
        }
        if !has_policy(name, all) {
            advice.push(format!("`{name}` has a tenant: CREATE POLICY … ON {name} comparing it with app.tenant_id"));
        }
    }
    advice
}

fn has_policy(table: &str, all: &str) -> bool {
    let policies = all.split("create policy ").skip(1);
    policies.filter_map(|rest| rest.split_once(" on ")).any(|(_, rest)| rest.split([' ', '(']).next() == Some(table))
}

/// A view must look with the eyes of who asks, or it shows every tenant to every other.
fn views(up: &File, statements: &str) -> Vec<Finding> {
    let views = statements.split(';').filter(|statement| {
        statement.trim_start().starts_with("create view")
            || statement.trim_start().starts_with("create or replace view")
    });
    let open = views.filter(|statement| !statement.contains("security_invoker"));
    open.map(|_| Finding::of(&up.path, "make the view WITH (security_invoker = true)")).collect()
}

/// The tables that are made here; a partition takes everything from its parent.
fn tables(statements: &str) -> Vec<Table> {
    let makes = statements.split(';').filter_map(|statement| statement.trim_start().strip_prefix("create table "));
    let named = makes.filter(|rest| !rest.contains(" partition of ")).filter_map(|rest| {
        let (name, columns) = rest.trim_start_matches("if not exists ").split_once('(')?;
        Some(Table { name: name.trim().to_owned(), columns: columns.to_owned() })
    });
    named.collect()
}

/// The same with each `FOREACH name IN ARRAY ARRAY['a', 'b'] LOOP … format('… %I …', name) …` written out for every name.
fn unroll(statements: &str) -> String {
    let Some((before, rest)) = statements.split_once("in array array[") else { return statements.to_owned() };
    let (names, rest) = rest.split_once(']').unwrap_or((rest, ""));
    let (body, after) = rest.split_once("end loop").unwrap_or((rest, ""));
    let rounds: String = names.split('\'').skip(1).step_by(2).map(|name| body.replace("%i", name)).collect();
    format!("{before}{rounds}{}", unroll(after))
}

/// The statements in lower case, without comments, with single spaces.
fn statements(sql: &str) -> String {
    let lines = sql.lines().map(|line| line.split("--").next().unwrap_or_default());
    let words: Vec<_> = lines.flat_map(str::split_whitespace).map(str::to_lowercase).collect();
    words.join(" ") + " "
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "CREATE TABLE things (id text, tenant_id text);\nCOMMENT ON TABLE things IS 'a';\n";
    const SECURED: &str = "ALTER TABLE things ENABLE ROW LEVEL SECURITY;\nALTER TABLE things FORCE ROW LEVEL SECURITY;\n\
        CREATE POLICY mine ON things USING (tenant_id = current_setting('app.tenant_id'));\n";

    fn findings(up: &str) -> Vec<String> {
        let files =
            [("migrations/2026-01-01-000000_a/up.sql", up), ("migrations/2026-01-01-000000_a/down.sql", "DROP")];
        check(&Tree::of(&files)).into_iter().map(|finding| finding.advice).collect()
    }

    #[test]
    fn is_content_with_a_table_that_has_it_all() {
        assert_eq!(findings(&format!("{TABLE}{SECURED}")), Vec::<String>::new());
    }

    #[test]
    fn finds_a_migration_that_cannot_be_undone() {
        let found = check(&Tree::of(&[("migrations/2026-01-01-000000_a/up.sql", "SELECT 1;")]));
        assert_eq!(found[0].path, "migrations/2026-01-01-000000_a/down.sql");
    }

    #[test]
    fn finds_a_table_that_does_not_say_what_it_is() {
        let found = findings("CREATE TABLE IF NOT EXISTS things (id text);");
        assert!(found[0].contains("COMMENT ON TABLE things IS"), "{found:?}");
    }

    #[test]
    fn finds_a_tenants_table_that_is_open() {
        assert_eq!(findings(TABLE).len(), 3);
        let elsewhere = SECURED.replace("ON things", "ON other");
        assert!(findings(&format!("{TABLE}{elsewhere}"))[0].contains("CREATE POLICY"));
    }

    #[test]
    fn reads_what_a_loop_does_for_each_table() {
        let in_a_loop = "DO $$ DECLARE name text; BEGIN FOREACH name IN ARRAY ARRAY['other', 'things'] LOOP\n\
            EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);\n\
            EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);\n\
            EXECUTE format('CREATE POLICY mine ON %I USING (true)', name); END LOOP; END $$;";
        assert_eq!(findings(&format!("{TABLE}{in_a_loop}")), Vec::<String>::new());
        assert_eq!(findings(&format!("{TABLE}{}", in_a_loop.replace(", 'things'", ""))).len(), 3);
    }

    #[test]
    fn finds_a_view_that_sees_for_everybody() {
        assert_eq!(findings("CREATE VIEW v AS SELECT 1;").len(), 1);
        assert_eq!(findings("CREATE VIEW v WITH (security_invoker = true) AS SELECT 1;").len(), 0);
    }

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
            "ALTER TABLE a RENAME TO c;",
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
        ]);
        is_harmless(&[
            "ALTER TABLE a ADD COLUMN b text NOT NULL DEFAULT 'x';",
            "ALTER TABLE a ADD b text[] NOT NULL DEFAULT ARRAY['x', 'y'];",
            "ALTER TABLE a ADD b bigint NOT NULL GENERATED ALWAYS AS IDENTITY;",
            "ALTER TABLE a ADD b text, ADD c text CHECK (b IS NOT NULL OR c IS NULL);",
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
    fn finds_rights_that_are_taken() {
        takes(&["REVOKE UPDATE (b) ON a FROM coccinelle_gateway;", "REVOKE ALL ON FUNCTION f(text) FROM PUBLIC;"]);
        let made = "CREATE FUNCTION f(text, text) RETURNS text LANGUAGE sql AS $$ SELECT 1 $$; \
            REVOKE ALL ON FUNCTION f(text, text) FROM PUBLIC;";
        is_harmless(&[made, "GRANT TRUNCATE ON a TO coccinelle_worker;"]);
        takes(&[made.replace("text) FROM", "text), g FROM").as_str()]);
    }

    #[test]
    fn finds_rows_that_go() {
        takes(&["TRUNCATE a;", "TRUNCATE TABLE ONLY a CASCADE;"]);
    }

    #[test]
    fn finds_what_is_done_in_a_block() {
        takes(&[
            "DO $$ BEGIN ALTER TABLE a DROP b; END $$;",
            "DO $$ BEGIN IF EXISTS (SELECT FROM c) THEN DROP TABLE a; END IF; END $$;",
            "DO $$ BEGIN EXECUTE 'TRUNCATE a'; END $$;",
            "DO $$ DECLARE name text; BEGIN FOREACH name IN ARRAY ARRAY['a'] LOOP \
             EXECUTE format('ALTER TABLE %I DROP b', name); END LOOP; END $$;",
        ]);
    }

    #[test]
    fn nobody_misses_anything_of_a_table_that_is_made_in_the_same_migration() {
        is_harmless(&["CREATE TABLE a (b text); COMMENT ON TABLE a IS 'a'; CREATE UNIQUE INDEX i ON a (b); \
            ALTER TABLE a ADD CONSTRAINT c CHECK (b <> ''), ALTER b SET NOT NULL; REVOKE ALL ON TABLE a FROM PUBLIC;"]);
    }

    #[test]
    fn leaves_partitions_to_their_parents() {
        assert_eq!(findings("CREATE TABLE p PARTITION OF things DEFAULT;").len(), 0);
    }
}
