//! Rows of the logs that their tenant wants kept for less time than their partitions are: which, and deleting some at a time.

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Integer, Text};
use diesel_async::RunQueryDsl;

use crate::statement::sql_query;
use crate::{PersistenceError, Transaction};

/// A log that is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Log {
    /// What was tried.
    Syncs,
    /// What came in.
    Webhooks,
}

impl Log {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Syncs, Self::Webhooks];

    fn table(self) -> &'static str {
        match self {
            Self::Syncs => "integration_sync_logs",
            Self::Webhooks => "integration_webhook_logs",
        }
    }
}

/// For how long the rows of one integration are kept.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct Retention {
    #[diesel(sql_type = Text)]
    integration_id: String,
    #[diesel(sql_type = Text)]
    tenant_id: String,
    #[diesel(sql_type = Integer)]
    days: i32,
}

/// What tenants wish that want less than everything, integration by integration.
///
/// # Errors
/// When the database does not answer.
pub async fn wishes(tx: &mut Transaction) -> Result<Vec<Retention>, PersistenceError> {
    let statement = "
        SELECT integration.id AS integration_id, integration.tenant_id, settings.retention_days AS days
        FROM tenant_settings AS settings JOIN tenant_integrations AS integration USING (tenant_id)
        WHERE settings.retention_days IS NOT NULL ORDER BY integration.id";
    Ok(sql_query(statement).load(&mut **tx).await?)
}

/// Deletes so many rows at most that are older than they are kept; returns how many there were.
///
/// # Errors
/// When the database does not answer.
pub async fn forget(tx: &mut Transaction, log: Log, wish: &Retention, limit: u32) -> Result<usize, PersistenceError> {
    let table = log.table();
    let too_old = "integration_id = $1 AND tenant_id = $2 AND created_at < now() - make_interval(days => $3)";
    // Row places repeat between partitions; a row that is met by its place alone is too old as well.
    let statement = format!(
        "DELETE FROM {table} WHERE {too_old} AND ctid = ANY (ARRAY(SELECT ctid FROM {table} WHERE {too_old} LIMIT $4))"
    );
    let deletion = sql_query(statement)
        .bind::<Text, _>(&wish.integration_id)
        .bind::<Text, _>(&wish.tenant_id)
        .bind::<Integer, _>(wish.days)
        .bind::<BigInt, _>(i64::from(limit));
    Ok(deletion.execute(&mut **tx).await?)
}
