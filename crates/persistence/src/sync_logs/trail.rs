//! Reading single attempts of the log, and what belongs to one: those before it, and what else its trace led to.

use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::sql_types::{BigInt, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use domain::id::{IntegrationId, SyncLogId, TenantId};
use domain::time::Timestamp;

use super::list::{Row, SyncLog};
use crate::statement::{self, sql_query};
use crate::text::storable;
use crate::{PersistenceError, Transaction, log_page};

/// What an attempt is read of. Named, so that the plan is kept: over a partition a day, planning takes longer than reading.
pub(super) const NAMES: &str = "id, created_at, integration_id, sync_type, direction, status, kind, record_id, link_id, external_id,
    error_class, error_code, error_message, fingerprint, payload_sent, response_received, duration_ms, attempt, correlation_id,
    changes, changes_left_out";

/// An attempt's id is made when it ends, or soon after that.
const SOON: Duration = Duration::from_hours(1);

fn read(rows: Vec<Row>) -> Result<Vec<SyncLog>, PersistenceError> {
    rows.into_iter().map(Row::into_log).collect()
}

/// One attempt of an integration; `None` where it has none of that id.
///
/// Its id says when it was made, and so in which partition the attempt is; it is looked for in the others only where it is not there.
///
/// # Errors
/// When the database does not answer.
pub async fn get(
    tx: &mut Transaction,
    whose: (TenantId, IntegrationId),
    id: SyncLogId,
) -> Result<Option<SyncLog>, PersistenceError> {
    if let Some(made_at) = id.made_at()
        && let Some(log) = get_within(tx, whose, id, Some((made_at.minus(SOON), made_at.plus(SOON)))).await?
    {
        return Ok(Some(log));
    }
    get_within(tx, whose, id, None).await
}

/// The same between two moments; at any time where they are `None`.
async fn get_within(
    tx: &mut Transaction,
    (tenant, integration): (TenantId, IntegrationId),
    id: SyncLogId,
    moments: Option<(Timestamp, Timestamp)>,
) -> Result<Option<SyncLog>, PersistenceError> {
    let statement = format!(
        "SELECT {NAMES} FROM integration_sync_logs WHERE tenant_id = $1 AND integration_id = $2 AND id = $3
           AND created_at >= coalesce($4::timestamptz, '-infinity') AND created_at <= coalesce($5::timestamptz, 'infinity')"
    );
    let rows: Vec<Row> = sql_query(statement)
        .bind::<Text, _>(tenant.to_string())
        .bind::<Text, _>(integration.to_string())
        .bind::<Text, _>(id.to_string())
        .bind::<Nullable<Timestamptz>, _>(moments.map(|(from, _)| DateTime::<Utc>::from(from)))
        .bind::<Nullable<Timestamptz>, _>(moments.map(|(_, to)| DateTime::<Utc>::from(to)))
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
    statement::plan_once(tx).await?;
    let rows = sql_query(format!(
        "SELECT {NAMES} FROM integration_sync_logs
         WHERE tenant_id = $1 AND link_id = $2 AND created_at <= $3 AND (created_at < $3 OR id < $4)
         ORDER BY created_at DESC, id DESC LIMIT $5"
    ))
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
    read(log_page::of_trace(tx, ("integration_sync_logs", NAMES), tenant, correlation_id, limit).await?)
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
    let rows = sql_query(format!(
        "SELECT {NAMES} FROM integration_sync_logs
         WHERE tenant_id = $1 AND integration_id = $2 AND fingerprint = $3 ORDER BY created_at DESC, id LIMIT 1"
    ))
    .bind::<Text, _>(tenant.to_string())
    .bind::<Text, _>(integration.to_string())
    .bind::<Text, _>(storable(fingerprint))
    .load(&mut **tx)
    .await?;
    Ok(read(rows)?.pop())
}
