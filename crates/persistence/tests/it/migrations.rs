//! The migrations: up, down and up again.

use std::path::Path;

use persistence::{Scope, migrate};
use secrecy::SecretString;

use crate::world::{World, number, words};

const EVERYTHING: &str = "
SELECT kind || ' ' || name AS word FROM (
    SELECT 'relation' AS kind, relname::text AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace
    UNION ALL SELECT 'function', proname::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    UNION ALL SELECT 'type', typname::text FROM pg_type WHERE typnamespace = 'public'::regnamespace
    UNION ALL SELECT 'column', table_name || '.' || column_name FROM information_schema.columns
        WHERE table_schema = 'public'
) AS objects ORDER BY 1";

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_up_comes_down_and_goes_up_again() {
    let world = World::new().await;
    let url = SecretString::from(world.server.url());
    let look = async || {
        let mut tx = world.owner.begin(Scope::System).await.unwrap();
        let seen = words(&mut tx, EVERYTHING).await;
        tx.commit().await.unwrap();
        seen
    };
    let before = look().await;
    assert!(migrate::run(&url).await.unwrap().is_empty(), "the test's database is migrated already");
    let reverted = migrate::revert_all(&url).await.unwrap();
    assert!(reverted.len() >= 8, "{reverted:?}");
    let left: Vec<_> = look().await.into_iter().filter(|name| !name.contains("__diesel_schema_migrations")).collect();
    assert_eq!(left, Vec::<String>::new());
    let applied = migrate::run(&url).await.unwrap();
    assert_eq!(applied.len(), reverted.len());
    assert_eq!(look().await, before);
}

#[tokio::test]
async fn every_table_and_column_says_what_it_is() {
    let world = World::new().await;
    let mut tx = world.owner.begin(Scope::System).await.unwrap();
    let silent = words(
        &mut tx,
        "SELECT relname || coalesce('.' || attname, '') AS word
         FROM pg_class LEFT JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped
             AND relkind IN ('r', 'p')
         WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v') AND NOT relispartition
           AND relname <> '__diesel_schema_migrations'
           AND (col_description(pg_class.oid, coalesce(attnum, 0)) IS NULL AND attnum IS NOT NULL
                OR obj_description(pg_class.oid, 'pg_class') IS NULL)",
    );
    assert_eq!(silent.await, Vec::<String>::new());
}

#[tokio::test]
async fn the_documented_query_works_as_it_is_written_and_uses_its_index() {
    let world = World::new().await;
    let mut tx = world.owner.begin(Scope::System).await.unwrap();
    let documented =
        "SELECT * FROM integration_sync_logs WHERE integration_id = 'int_xxx' ORDER BY created_at DESC LIMIT 100;";
    assert_eq!(crate::world::try_to(&mut tx, documented.trim_end_matches(';')).await.unwrap(), 0);
    let indexes = "SELECT count(*) AS number FROM pg_indexes
         WHERE tablename = 'integration_sync_logs' AND indexdef LIKE '%(integration_id, created_at DESC, id) INCLUDE (%)'";
    assert_eq!(number(&mut tx, indexes).await, 1);
}

/// What documents have operators ask: in blocks of SQL, and between backticks.
fn asked() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let documents = paths.filter(|path| path.extension().is_some_and(|kind| kind == "md"));
    let text: String = documents.map(|path| std::fs::read_to_string(path).unwrap()).collect();
    let pieces = text.split('`').map(|piece| piece.strip_prefix("sql\n").unwrap_or(piece));
    let statements = pieces.filter(|piece| piece.starts_with("SELECT "));
    statements.map(|statement| statement.trim_end().trim_end_matches(';').to_owned()).collect()
}

#[tokio::test]
async fn what_documents_ask_the_database_is_answered() {
    let world = World::new().await;
    let mut tx = world.owner.begin(Scope::System).await.unwrap();
    let statements = asked();
    assert!(statements.len() >= 4, "{statements:?}");
    for statement in statements {
        let answer = crate::world::try_to(&mut tx, &statement).await;
        assert!(answer.is_ok(), "{statement}: {answer:?}");
    }
}

/// Else what one customer's back-fill brings is in no statistics until it is a tenth of all there is.
#[tokio::test]
async fn tables_that_a_flood_fills_are_analyzed_after_a_hundredth() {
    let world = World::new().await;
    let mut tx = world.owner.begin(Scope::System).await.unwrap();
    let sooner = "SELECT relname::text AS word FROM pg_class
         WHERE 'autovacuum_analyze_scale_factor=0.01' = ANY(reloptions) ORDER BY relname";
    let tables = ["record_conflicts", "record_identities", "record_links", "records"];
    assert_eq!(words(&mut tx, sooner).await, tables);
}

/// Each asks for `announced_at NULLS FIRST`; by an index of another order, PostgreSQL would sort everything that is owed each time.
#[tokio::test]
async fn what_is_owed_has_an_index_of_the_order_in_which_it_is_asked_for() {
    let world = World::new().await;
    let mut tx = world.owner.begin(Scope::System).await.unwrap();
    let indexes = "SELECT count(*) AS number FROM pg_indexes
         WHERE tablename = 'record_links' AND indexdef LIKE '%(integration_id, announced_at NULLS FIRST, id) WHERE owed'";
    assert_eq!(number(&mut tx, indexes).await, 1);
}

/// Each page asks for what is behind the one before; by an index of another order, PostgreSQL would sort everything that is owed each time.
#[tokio::test]
async fn a_walk_over_what_is_owed_of_a_kind_follows_an_index_from_where_it_stands() {
    let world = World::new().await;
    let mut tx = world.worker.begin(Scope::System).await.unwrap();
    for statement in [
        "SET LOCAL enable_seqscan = off",
        "SET LOCAL enable_bitmapscan = off",
        "SET LOCAL enable_sort = off",
        "CREATE FUNCTION pg_temp.plan(statement text) RETURNS SETOF text LANGUAGE plpgsql AS $$
         DECLARE line text; BEGIN FOR line IN EXECUTE 'EXPLAIN ' || statement LOOP RETURN NEXT line; END LOOP; END $$",
    ] {
        crate::world::try_to(&mut tx, statement).await.unwrap();
    }
    let page =
        "SELECT id FROM record_links WHERE tenant_id = ''ten'' AND integration_id = ''int'' AND kind = ''contact''
        AND owed AND waits_for IS NULL AND id > ''lnk'' ORDER BY id LIMIT 500 FOR UPDATE";
    let plan = words(&mut tx, &format!("SELECT line AS word FROM pg_temp.plan('{page}') AS line")).await.join("\n");
    assert!(plan.contains("record_links_owed_by_kind") && !plan.contains("Sort"), "{plan}");
}
