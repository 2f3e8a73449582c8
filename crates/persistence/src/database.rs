//! The pool and its transactions, each scoped to one tenant or to the system. What is done in them is the other modules'.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use diesel::sql_types::{Bool, Text, Timestamptz};
use diesel_async::pooled_connection::deadpool::{Object, Pool};
use diesel_async::pooled_connection::{AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod};
use diesel_async::{AnsiTransactionManager, AsyncPgConnection, RunQueryDsl, TransactionManager};
use domain::id::TenantId;
use domain::step::{Step, Steps};
use domain::time::Timestamp;
use secrecy::{ExposeSecret, SecretString};

use crate::connection;
use crate::error::PersistenceError;
use crate::plans::{Commit, Plans};

diesel::define_sql_function! {
    /// Sets a variable of the session, or of the transaction alone.
    fn set_config(name: Text, value: Text, is_local: Bool) -> Text;
}

/// Whose rows a transaction may touch.
///
/// Row-level security enforces it for the gateway's role; for the workers' role, which sees all tenants, it is of no
/// effect, and the queries' own conditions are what counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// One tenant's.
    Tenant(TenantId),
    /// No tenant's in particular.
    System,
}

/// The database: a pool that connects when it is first used, and again after it was away.
#[derive(Clone)]
pub struct Database {
    pool: Pool<AsyncPgConnection>,
    connect_timeout: Duration,
    steps: Steps,
    pub(crate) plans: Plans,
}

impl Database {
    /// A pool of at most `pool_size` connections; `connect_timeout` is how long a caller waits for one.
    #[must_use]
    #[expect(clippy::expect_used, reason = "building fails only for the pool's own time-outs, and none is set")]
    pub fn new(url: &SecretString, pool_size: u32, connect_timeout: Duration) -> Self {
        let mut config = ManagerConfig::default();
        // A connection that was closed is recognised without asking it; one round trip less for each transaction.
        config.recycling_method = RecyclingMethod::Fast;
        config.custom_setup = Box::new(connection::establishing);
        let manager = AsyncDieselConnectionManager::new_with_config(url.expose_secret(), config);
        let size = usize::try_from(pool_size).unwrap_or(1).max(1);
        let pool = Pool::builder(manager).max_size(size).build().expect("no time-outs are set");
        Self { pool, connect_timeout, steps: Steps::default(), plans: Plans::default() }
    }

    /// The same database, where somebody wants to know of each step.
    #[must_use]
    pub fn watched(self, steps: Steps) -> Self {
        Self { steps, ..self }
    }

    /// Who is told of each step.
    #[must_use]
    pub fn steps(&self) -> &Steps {
        &self.steps
    }

    /// Opens a transaction.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn begin(&self, scope: Scope) -> Result<Transaction, PersistenceError> {
        self.begin_by("BEGIN", scope).await
    }

    /// The same for what is done all the time with a few values: its statements are planned once a connection, where
    /// [`Self::keep_plans_once_grown`] has found that this is good, and until then anew at each use, for what is there.
    ///
    /// Not for what may be asked with a condition left out, or over tables that are emptied and filled: one plan does not suit these.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn begin_keeping_plans(&self, scope: Scope) -> Result<Transaction, PersistenceError> {
        self.begin_by(self.plans.begin(Commit::Durable), scope).await
    }

    /// The same for what is simply done again where it was undone, such as taking a lease: its commit does not wait for the disk, and a
    /// crash of the database may undo it. Whatever is made durable later makes it durable as well, as PostgreSQL writes commits down in
    /// their order: <https://www.postgresql.org/docs/current/wal-async-commit.html>.
    ///
    /// Not for what anybody outside of the database was told, or is told of next.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn begin_committing_asynchronously(&self, scope: Scope) -> Result<Transaction, PersistenceError> {
        self.begin_by(self.plans.begin(Commit::Asynchronous), scope).await
    }

    async fn begin_by(&self, begin: &'static str, scope: Scope) -> Result<Transaction, PersistenceError> {
        let (started, connecting) = (Instant::now(), tokio::time::timeout(self.connect_timeout, self.pool.get()));
        let connection = connecting.await;
        self.note_use(started);
        let connection = match connection {
            Ok(connection) => connection.map_err(PersistenceError::Unreachable)?,
            Err(_elapsed) => return Err(PersistenceError::NoConnection(self.connect_timeout)),
        };
        // From here on a failure drops the transaction, and with it the connection.
        let mut transaction = Transaction { connection: Some(connection), steps: self.steps.clone() };
        AnsiTransactionManager::begin_transaction_sql(&mut *transaction, begin).await?;
        if let Scope::Tenant(tenant) = scope {
            let setting = diesel::select(set_config("app.tenant_id", tenant.to_string(), true));
            setting.execute(&mut *transaction).await?;
        }
        Ok(transaction)
    }

    /// How long somebody waited for a connection, and how many there are.
    fn note_use(&self, started: Instant) {
        metrics::histogram!("database_wait_seconds").record(started.elapsed());
        let status = self.pool.status();
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let (open, idle) = (count(status.size), count(status.available));
        for (state, count) in
            [("in_use", open.saturating_sub(idle)), ("idle", idle), ("waiting", count(status.waiting))]
        {
            metrics::gauge!("database_pool_connections", "state" => state).set(f64::from(count));
        }
    }

    /// Whether the database answers.
    pub async fn is_up(&self) -> bool {
        let asking = async {
            // Nothing depends on it, so nobody wants to know of it.
            let mut transaction = self.clone().watched(Steps::default()).begin(Scope::System).await?;
            diesel::select(diesel::dsl::sql::<Bool>("true")).execute(&mut *transaction).await?;
            transaction.commit().await
        };
        matches!(tokio::time::timeout(self.connect_timeout, asking).await, Ok(Ok(())))
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database").field("pool", &self.pool.status()).finish_non_exhaustive()
    }
}

/// An open transaction. Dropped without [`Self::commit`] it is rolled back by closing its connection, so commit also
/// where nothing but reading was done.
pub struct Transaction {
    /// `None` only once it was committed, or while it is dropped.
    connection: Option<Object<AsyncPgConnection>>,
    steps: Steps,
}

impl Transaction {
    /// Who is told of each step.
    #[must_use]
    pub fn steps(&self) -> &Steps {
        &self.steps
    }

    /// The present moment by the database's clock. What is noted and compared goes by it, and not by a process's own, which may be an
    /// hour off.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn now(&mut self) -> Result<Timestamp, PersistenceError> {
        let asking = diesel::select(diesel::dsl::sql::<Timestamptz>("clock_timestamp()"));
        let now: DateTime<Utc> = asking.get_result(&mut **self).await?;
        Ok(now.into())
    }

    /// Makes everything done in it durable, at once or soon, as it was begun, and gives the connection back.
    ///
    /// # Errors
    /// When the database refuses; nothing is done then, unless the connection was lost, when nobody knows.
    pub async fn commit(mut self) -> Result<(), PersistenceError> {
        self.steps.reached(Step::CommitBefore);
        AnsiTransactionManager::commit_transaction(&mut *self).await?;
        self.steps.reached(Step::CommitAfter);
        self.connection = None;
        Ok(())
    }

    /// Undoes everything done in it, and gives the connection back.
    ///
    /// # Errors
    /// When the database does not answer; nothing is done then either.
    pub async fn roll_back(mut self) -> Result<(), PersistenceError> {
        AnsiTransactionManager::rollback_transaction(&mut *self).await?;
        self.connection = None;
        Ok(())
    }
}

impl Deref for Transaction {
    type Target = AsyncPgConnection;

    #[expect(clippy::expect_used, reason = "the connection is taken only by what consumes the transaction")]
    fn deref(&self) -> &AsyncPgConnection {
        self.connection.as_ref().expect("an open transaction has a connection")
    }
}

impl DerefMut for Transaction {
    #[expect(clippy::expect_used, reason = "the connection is taken only by what consumes the transaction")]
    fn deref_mut(&mut self) -> &mut AsyncPgConnection {
        self.connection.as_mut().expect("an open transaction has a connection")
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        // Back in the pool it would keep its locks until somebody happened to be given the connection.
        if let Some(connection) = self.connection.take() {
            drop(Object::take(connection));
        }
    }
}

impl fmt::Debug for Transaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transaction").finish_non_exhaustive()
    }
}
