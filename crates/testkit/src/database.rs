//! A migrated database for one test.

use url::Url;

use crate::environment::Server;
use crate::{leftover, outside, template};

/// A database of the test's own, migrated and empty. Dropped with this value, whoever is still connected.
#[derive(Debug)]
pub struct TestDatabase {
    server: Url,
    name: String,
}

/// Makes a database for this test.
///
/// # Panics
/// When there is no server or the migrations fail.
pub async fn database() -> TestDatabase {
    let (server, name) = (Server::Database.url(), leftover::new_name());
    let made = TestDatabase { server: server.clone(), name: name.clone() };
    outside::run(move || async move { template::copy(&server, &name).await }).await.expect("a database for this test");
    made
}

/// Every row of every table and view in the database at this address, as text, and the source of every function: what a
/// full dump of it shows, without the program for it.
///
/// # Panics
/// When the database does not answer.
pub async fn dump(url: &str) -> String {
    let url = url.to_owned();
    outside::run(move || async move { template::dump(&url).await }).await.expect("a dump")
}

/// Carries out a statement in the database at this address.
///
/// # Panics
/// When the database refuses it.
pub async fn execute(url: &str, statement: &str) {
    let (url, statement) = (url.to_owned(), statement.to_owned());
    outside::run(move || async move { template::execute(&url, statement).await })
        .await
        .expect("a statement carried out");
}

impl TestDatabase {
    /// Its address for the role that owns it.
    #[must_use]
    pub fn url(&self) -> String {
        let mut url = self.server.clone();
        url.set_path(&self.name);
        url.into()
    }

    /// Its address for the role of the gateway, which owns nothing and cannot bypass row-level security.
    #[must_use]
    pub fn gateway_url(&self) -> String {
        self.url_as("coccinelle_gateway")
    }

    /// Its address for the role of the workers.
    #[must_use]
    pub fn worker_url(&self) -> String {
        self.url_as("coccinelle_worker")
    }

    /// What `query` counts, which is one number: for what no service shows.
    ///
    /// # Panics
    /// When the database does not answer or the query is wrong.
    pub async fn count(&self, query: &str) -> i64 {
        let (url, query) = (self.url(), query.to_owned());
        outside::run(move || async move { template::number(&url, &query).await }).await.expect("a number")
    }

    /// The texts that `query` selects, one a row: for what no service shows.
    ///
    /// # Panics
    /// When the database does not answer or the query is wrong.
    pub async fn texts(&self, query: &str) -> Vec<String> {
        let (url, query) = (self.url(), query.to_owned());
        outside::run(move || async move { template::texts(&url, &query).await }).await.expect("texts")
    }

    /// Carries out a statement, as somebody might by hand.
    ///
    /// # Panics
    /// When the database refuses it.
    pub async fn execute(&self, statement: &str) {
        execute(&self.url(), statement).await;
    }

    /// Puts the database's clock two hours ahead for whoever connects from now on, which puts theirs two hours behind.
    ///
    /// # Panics
    /// When the database refuses it.
    pub async fn put_ahead(&self) {
        for statement in [
            "CREATE FUNCTION public.now() RETURNS timestamptz LANGUAGE sql STABLE
             AS $$ SELECT pg_catalog.now() + interval '2 hours' $$",
            "CREATE FUNCTION public.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE
             AS $$ SELECT pg_catalog.clock_timestamp() + interval '2 hours' $$",
            "DO $$ BEGIN
                 EXECUTE format('ALTER DATABASE %I SET search_path = public, pg_catalog', current_database());
             END $$",
        ] {
            self.execute(statement).await;
        }
    }

    /// The owner, who takes on the role as soon as it has logged in: on a server that checks passwords, the roles have
    /// none that a test could know.
    fn url_as(&self, role: &'static str) -> String {
        let mut url = self.server.clone();
        url.set_path(&self.name);
        url.set_query(Some(&format!("options=-c%20role%3D{role}")));
        url.into()
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let (server, name) = (self.server.clone(), self.name.clone());
        outside::clean_up(move || async move { drop(template::drop_database(&server, &name).await) });
    }
}
