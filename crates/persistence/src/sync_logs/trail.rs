//! Reading single attempts of the log, and what belongs to one: those before it, and what else its trace led to.

use chrono::{DateTime, Utc};
use diesel::sql_types::{BigInt, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use domain::id::{IntegrationId, SyncLogId, TenantId};

use super::list::{Row, SyncLog};
use crate::statement::sql_query;
use crate::text::storable;
use crate::{PersistenceError, Transaction};

fn read(rows: Vec<Row>) -> Result<Vec<SyncLog>, PersistenceError> {
    rows.into_iter().map(Row::into_log).collect()
}

/// One attempt of an integration; `None` where it has none of that id.
///
/// # Errors
/// When the database does not answer.
pub async fn get(
    tx: &mut Transaction,
    (tenant, integration): (TenantId, IntegrationId),
    id: SyncLogId,
) -> Result<Option<SyncLog>, PersistenceError> {
    let rows: Vec<Row> =
        sql_query("SELECT * FROM integration_sync_logs WHERE tenant_id = $1 AND integration_id = $2 AND id = $3")
            .bind::<Text, _>(tenant.to_string())
            .bind::<Text, _>(integration.to_string())
            .bind::<Text, _>(id.to_string())
            .load(&mut **tx)
            .await?;
    Ok(read(rows)?.pop())
}

/// The attempts of the same link before this one, the newest first.
///
/// # Errors
/// When the database does not answer.
pub async fn before(
    tx: &mut Transaction,
    tenant: TenantId,
    log: &SyncLog,
    limit: u32,
) -> Result<Vec<SyncLog>, PersistenceError> {
    let rows = sql_query(
        "SELECT * FROM integration_sync_logs
         WHERE tenant_id = $1 AND link_id = $2 AND created_at <= $3 AND (created_at < $3 OR id < $4)
         ORDER BY created_at DESC, id DESC LIMIT $5",
    )
    .bind::<Text, _>(tenant.to_string())
    .bind::<Text, _>(log.link_id.to_string())
    .bind::<Timestamptz, _>(DateTime::<Utc>::from(log.created_at))
    .bind::<Text, _>(log.id.to_string())
    .bind::<BigInt, _>(i64::from(limit))
    .load(&mut **tx)
    .await?;
    read(rows)
}

/// What one trace led to, in all of a tenant's integrations, the oldest first.
///
/// # Errors
/// When the database does not answer.
pub async fn of_trace(
    tx: &mut Transaction,
    tenant: TenantId,
    correlation_id: &str,
    limit: u32,
) -> Result<Vec<SyncLog>, PersistenceError> {
    let rows = sql_query(
        "SELECT * FROM integration_sync_logs WHERE tenant_id = $1 AND correlation_id = $2
         ORDER BY created_at, id LIMIT $3",
    )
    .bind::<Text, _>(tenant.to_string())
    .bind::<Text, _>(storable(correlation_id))
    .bind::<BigInt, _>(i64::from(limit))
    .load(&mut **tx)
    .await?;
    read(rows)
}

/// The newest attempt of an integration that failed like this.
///
/// # Errors
/// When the database does not answer.
pub async fn newest_alike(
    tx: &mut Transaction,
    (tenant, integration): (TenantId, IntegrationId),
    fingerprint: &str,
) -> Result<Option<SyncLog>, PersistenceError> {
    let rows = sql_query(
        "SELECT * FROM integration_sync_logs WHERE tenant_id = $1 AND integration_id = $2 AND fingerprint = $3
         ORDER BY created_at DESC, id LIMIT 1",
    )
    .bind::<Text, _>(tenant.to_string())
    .bind::<Text, _>(integration.to_string())
    .bind::<Text, _>(storable(fingerprint))
    .load(&mut **tx)
    .await?;
    Ok(read(rows)?.pop())
}
