//! How a transaction begins for who does few things often: whether its statements are planned once a connection, and its commit waits for
//! the disk. What they say is the other modules'.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use diesel::QueryableByName;
use diesel::sql_types::Bool;
use diesel_async::RunQueryDsl;

use crate::statement::sql_query;
use crate::{Database, PersistenceError, Scope};

/// Of tables with as many rows, no plan reads all that a tenant has where a few are named.
const IS_GROWN: &str = "SELECT min(reltuples) >= 10000 AS is_grown FROM pg_class
    WHERE oid IN ('records'::regclass, 'record_identities'::regclass, 'record_links'::regclass)";

/// When a commit counts as done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Commit {
    /// Once it is on the disk.
    Durable,
    /// At once: a crash of the database may undo it.
    Asynchronous,
}

/// What all handles of a database know of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plans {
    are_kept: Arc<AtomicBool>,
}

impl Plans {
    /// How such a transaction begins, in one round trip.
    pub(crate) fn begin(&self, commit: Commit) -> &'static str {
        match (AtomicBool::load(&self.are_kept, Ordering::Relaxed), commit) {
            (false, Commit::Durable) => "BEGIN; SET LOCAL plan_cache_mode = force_custom_plan",
            (false, Commit::Asynchronous) => {
                "BEGIN; SET LOCAL plan_cache_mode = force_custom_plan; SET LOCAL synchronous_commit = off"
            }
            (true, Commit::Durable) => "BEGIN; SET LOCAL plan_cache_mode = force_generic_plan",
            (true, Commit::Asynchronous) => {
                "BEGIN; SET LOCAL plan_cache_mode = force_generic_plan; SET LOCAL synchronous_commit = off"
            }
        }
    }
}

impl Database {
    /// From now on [`Self::begin_keeping_plans`] does so, if what is looked for by key has grown so far that a plan which is made now stays
    /// good. Otherwise each use is planned for what is there by then. Returns which it is.
    ///
    /// Of a statement that takes an array, PostgreSQL would plan each use anew, as it expects that a list of unknown length costs more
    /// than this one: for a single push, that was half of what the database did. But of an empty table it would rather read all than look for
    /// what is named, and go on so until it has looked at it again, a minute later or more: left to itself, it keeps such a plan too.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn keep_plans_once_grown(&self) -> Result<bool, PersistenceError> {
        #[derive(QueryableByName)]
        struct Row {
            #[diesel(sql_type = Bool)]
            is_grown: bool,
        }
        let mut tx = self.begin(Scope::System).await?;
        let Row { is_grown } = sql_query(IS_GROWN).get_result(&mut *tx).await?;
        tx.commit().await?;
        self.plans.are_kept.store(is_grown, Ordering::Relaxed);
        Ok(is_grown)
    }
}
