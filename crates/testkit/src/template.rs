//! The migrated database of which every test gets a copy. Made once for each content of `migrations/`.

use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, anyhow};
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Text};
use diesel_async::{AsyncConnection, AsyncMigrationHarness, AsyncPgConnection, RunQueryDsl};
use diesel_migrations::{FileBasedMigrations, MigrationHarness};
use url::Url;

use crate::leftover;

/// Any number will do, as long as all test processes take the same.
const LOCK: i64 = 0x0063_6f63_6369;
const PREFIX: &str = "template";
/// A template of other migrations that is older than this is dropped.
const KEPT: Duration = Duration::from_secs(86_400);

/// Copies the template into a new database `name`; makes the template first where there is none.
pub(crate) async fn copy(server: &Url, name: &str) -> anyhow::Result<()> {
    let mut maintenance = connect(server).await?;
    let template = ensure(&mut maintenance, server).await?;
    run(&mut maintenance, format!("CREATE DATABASE {name} TEMPLATE {template}")).await
}

/// Drops the database `name`, whoever is still connected to it.
pub(crate) async fn drop_database(server: &Url, name: &str) -> anyhow::Result<()> {
    run(&mut connect(server).await?, format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

/// The one number that `query` gives.
pub(crate) async fn number(database: &str, query: &str) -> anyhow::Result<i64> {
    let mut connection = connect(&Url::parse(database)?).await?;
    let query = format!("SELECT ({query})::bigint AS number");
    let row: Number = diesel::sql_query(&query).get_result(&mut connection).await.with_context(|| query.clone())?;
    Ok(row.number)
}

#[derive(QueryableByName)]
struct Word {
    #[diesel(sql_type = Text)]
    word: String,
}

/// The texts that `query` selects.
pub(crate) async fn texts(database: &str, query: &str) -> anyhow::Result<Vec<String>> {
    let mut connection = connect(&Url::parse(database)?).await?;
    let query = format!("SELECT found::text AS word FROM ({query}) AS rows (found)");
    let rows: Vec<Word> = diesel::sql_query(&query).load(&mut connection).await.with_context(|| query.clone())?;
    Ok(rows.into_iter().map(|row| row.word).collect())
}

/// Everything that is kept in the database, as text.
pub(crate) async fn dump(database: &str) -> anyhow::Result<String> {
    let relations = "SELECT oid::regclass FROM pg_class
        WHERE relkind IN ('r', 'p', 'v', 'm', 'S') AND relnamespace NOT IN
            (SELECT oid FROM pg_namespace WHERE nspname IN ('pg_catalog', 'pg_toast', 'information_schema'))
        ORDER BY 1";
    let mut lines = texts(database, "SELECT prosrc FROM pg_proc").await?;
    for relation in texts(database, relations).await? {
        lines.push(format!("-- {relation}"));
        // A sequence is no table: only what is selected from it can be shown.
        let rows = format!("SELECT row_to_json(the_row) FROM (SELECT * FROM {relation}) AS the_row");
        lines.extend(texts(database, &rows).await?);
    }
    Ok(lines.join("\n"))
}

/// Carries out a statement.
pub(crate) async fn execute(database: &str, statement: String) -> anyhow::Result<()> {
    run(&mut connect(&Url::parse(database)?).await?, statement).await
}

/// The name of the template for the present migrations.
///
/// Test processes run side by side: the first one makes it, the others wait for the lock, which lasts as long as the
/// connection at most.
async fn ensure(maintenance: &mut AsyncPgConnection, server: &Url) -> anyhow::Result<String> {
    let prefix = format!("{PREFIX}_{:016x}_", content_hash(&migrations_folder())?);
    run(maintenance, format!("SELECT pg_advisory_lock({LOCK})")).await?;
    let existing = sweep(maintenance, &prefix).await?;
    let template = match existing {
        Some(template) => template,
        None => make(maintenance, server, &prefix).await?,
    };
    run(maintenance, format!("SELECT pg_advisory_unlock({LOCK})")).await?;
    Ok(template)
}

/// Makes the template under a test's name and renames it when it is complete, so that a half-made one is never used.
async fn make(maintenance: &mut AsyncPgConnection, server: &Url, prefix: &str) -> anyhow::Result<String> {
    let (draft, name) = (leftover::new_name(), format!("{prefix}{}", leftover::now().as_secs()));
    run(maintenance, format!("CREATE DATABASE {draft}")).await?;
    let mut database = server.clone();
    database.set_path(&draft);
    if let Err(error) = migrate(&database).await {
        run(maintenance, format!("DROP DATABASE {draft} WITH (FORCE)")).await?;
        return Err(error);
    }
    run(maintenance, format!("ALTER DATABASE {draft} RENAME TO {name}")).await?;
    Ok(name)
}

async fn migrate(database: &Url) -> anyhow::Result<()> {
    let migrations = FileBasedMigrations::from_path(migrations_folder()).context("reading migrations/")?;
    let mut harness = AsyncMigrationHarness::new(connect(database).await?);
    harness.run_pending_migrations(migrations).map_err(|error| anyhow!("migrating the template: {error}"))?;
    Ok(())
}

#[derive(QueryableByName)]
struct Name {
    #[diesel(sql_type = Text)]
    datname: String,
}

/// Drops what is of no use any more, and returns the template that begins with `prefix`, if there is one.
async fn sweep(maintenance: &mut AsyncPgConnection, prefix: &str) -> anyhow::Result<Option<String>> {
    let query = diesel::sql_query("SELECT datname::text AS datname FROM pg_database ORDER BY datname");
    let names: Vec<Name> = query.load(maintenance).await.context("listing the databases")?;
    let mut found = None;
    for Name { datname } in names {
        if datname.starts_with(prefix) {
            found = Some(datname);
        } else if leftover::is_left_over(&datname) || is_old_template(&datname) {
            run(maintenance, format!("DROP DATABASE IF EXISTS {datname} WITH (FORCE)")).await?;
        }
    }
    Ok(found)
}

fn is_old_template(name: &str) -> bool {
    let mut parts = name.split('_');
    let ours = parts.next() == Some(PREFIX);
    let made = parts.nth(1).and_then(|seconds| seconds.parse().ok()).map(Duration::from_secs);
    ours && made.is_some_and(|made| leftover::now().saturating_sub(made) > KEPT)
}

async fn connect(url: &Url) -> anyhow::Result<AsyncPgConnection> {
    let address = format!("{}:{}", url.host_str().unwrap_or_default(), url.port().unwrap_or(5432));
    let connection = AsyncPgConnection::establish(url.as_str()).await;
    connection.with_context(|| format!("connecting to PostgreSQL at {address}; `cargo xtask test` starts it"))
}

async fn run(connection: &mut AsyncPgConnection, statement: String) -> anyhow::Result<()> {
    diesel::sql_query(&statement).execute(connection).await.with_context(|| statement.clone())?;
    Ok(())
}

fn migrations_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations")
}

/// Changes with every name and every byte below `folder`.
fn content_hash(folder: &Path) -> anyhow::Result<u64> {
    let mut hasher = DefaultHasher::new();
    let mut open = vec![folder.to_owned()];
    while let Some(path) = open.pop() {
        path.strip_prefix(folder).unwrap_or(&path).hash(&mut hasher);
        if path.is_dir() {
            let mut entries =
                fs::read_dir(&path)?.map(|entry| Ok(entry?.path())).collect::<anyhow::Result<Vec<_>>>()?;
            entries.sort();
            open.extend(entries);
        } else {
            fs::read(&path).with_context(|| path.display().to_string())?.hash(&mut hasher);
        }
    }
    Ok(hasher.finish())
}
