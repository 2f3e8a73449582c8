//! The migrations: each can be undone, takes nothing from the version before and demands nothing new of it, every table says what it
//! is, and no tenant's is open to another.

mod rolling;

use super::Finding;
use super::tree::{File, Tree};

/// The last one before the rule of the rolling upgrade: nobody has run a version from before it.
pub(crate) const LAST_FREE: &str = "2026-11-28-0099510_disconnected";

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
        findings.extend(rolling::contract(up, &unroll(&statements), &all));
    }
    findings
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

    #[test]
    fn leaves_partitions_to_their_parents() {
        assert_eq!(findings("CREATE TABLE p PARTITION OF things DEFAULT;").len(), 0);
    }
}
