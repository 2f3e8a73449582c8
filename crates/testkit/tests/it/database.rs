//! Databases of tests' own.

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Text};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

async fn count(url: &str, query: &str) -> i64 {
    let mut connection = AsyncPgConnection::establish(url).await.unwrap();
    let row: Count =
        diesel::sql_query(format!("SELECT count(*) AS count FROM {query}")).get_result(&mut connection).await.unwrap();
    row.count
}

#[tokio::test]
async fn a_database_is_migrated_and_dropped_with_its_value() {
    let database = testkit::database().await;
    assert!(count(&database.url(), "__diesel_schema_migrations").await > 0);

    let (server, name) =
        database.url().rsplit_once('/').map(|(server, name)| (server.to_owned(), name.to_owned())).unwrap();
    let held = AsyncPgConnection::establish(&database.url()).await.unwrap();
    drop(database);
    let query = diesel::sql_query("SELECT count(*) AS count FROM pg_database WHERE datname = $1");
    let mut server = AsyncPgConnection::establish(&format!("{server}/postgres")).await.unwrap();
    let row: Count = query.bind::<Text, _>(name).get_result(&mut server).await.unwrap();
    assert_eq!(row.count, 0);
    drop(held);
}

#[tokio::test]
async fn two_databases_have_nothing_in_common() {
    let (first, second) = tokio::join!(testkit::database(), testkit::database());
    let mut connection = AsyncPgConnection::establish(&first.url()).await.unwrap();
    diesel::sql_query("CREATE TABLE only_here (id int)").execute(&mut connection).await.unwrap();
    assert_eq!(count(&first.url(), "pg_class WHERE relname = 'only_here'").await, 1);
    assert_eq!(count(&second.url(), "pg_class WHERE relname = 'only_here'").await, 0);
}

#[tokio::test]
async fn the_roles_of_the_services_can_log_in() {
    let database = testkit::database().await;
    assert_eq!(count(&database.gateway_url(), "pg_roles WHERE rolname = current_user AND NOT rolbypassrls").await, 1);
    assert_eq!(count(&database.worker_url(), "pg_roles WHERE rolname = current_user AND NOT rolsuper").await, 1);
}
