//! Noting what somebody decided of a conflict, and that the records have followed. How they follow is the dispatcher's.

use std::time::Duration;

use diesel::sql_types::{BigInt, Double, Text};
use diesel_async::RunQueryDsl;
use domain::id::{ConflictId, RecordId, TenantId};
use domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::list::{Kept, Row, SELECT};
use crate::row::WaitingId;
use crate::statement::{in_turns, sql_query};
use crate::text::to_word;
use crate::{PersistenceError, Transaction};

/// What can be done about a conflict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// The value that lost becomes the record's again, and travels to every platform.
    Restore,
    /// What stands stays.
    Keep,
    /// The two records become one.
    Merge,
    /// The two records are different people and stay so.
    KeepApart,
}

impl Decision {
    /// Whether the records have to follow.
    fn is_applied_at_once(self) -> bool {
        matches!(self, Self::Keep | Self::KeepApart)
    }

    /// Whether it can be decided of a conflict about an identifier, rather than a value.
    #[must_use]
    pub fn is_about_identity(self) -> bool {
        matches!(self, Self::Merge | Self::KeepApart)
    }
}

/// What came of deciding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decided {
    /// It stands: decided now, or in the same way before.
    So(Kept),
    /// It was decided otherwise before.
    Otherwise(Kept),
    /// There is no such conflict, or nothing to decide about it in this way.
    Never(Option<Kept>),
}

/// Decides a conflict, once.
///
/// # Errors
/// When the database does not answer.
pub async fn decide(
    tx: &mut Transaction,
    tenant: TenantId,
    conflict: ConflictId,
    decision: Decision,
) -> Result<Decided, PersistenceError> {
    let Some(found) = locked(tx, tenant, conflict).await? else { return Ok(Decided::Never(None)) };
    let is_about_identity = found.reason == "identity";
    if !(is_about_identity || found.is_restorable()) || is_about_identity != decision.is_about_identity() {
        return Ok(Decided::Never(Some(found)));
    }
    match found.decision {
        Some(before) if before == decision => return Ok(Decided::So(found)),
        Some(_) => return Ok(Decided::Otherwise(found)),
        None => {}
    }
    let applied_at = if decision.is_applied_at_once() { "now()" } else { "NULL" };
    sql_query(format!(
        "UPDATE record_conflicts SET decision = $3, decided_at = now(), applied_at = {applied_at}
         WHERE tenant_id = $1 AND id = $2"
    ))
    .bind::<Text, _>(tenant.to_string())
    .bind::<Text, _>(conflict.to_string())
    .bind::<Text, _>(to_word(&decision)?)
    .execute(&mut **tx)
    .await?;
    Ok(Decided::So(Kept { decision: Some(decision), is_applied: decision.is_applied_at_once(), ..found }))
}

async fn locked(
    tx: &mut Transaction,
    tenant: TenantId,
    conflict: ConflictId,
) -> Result<Option<Kept>, PersistenceError> {
    let statement = format!("{SELECT} AND conflict.id = $2 FOR UPDATE OF conflict");
    let rows: Vec<Row> = sql_query(statement)
        .bind::<Text, _>(tenant.to_string())
        .bind::<Text, _>(conflict.to_string())
        .load(&mut **tx)
        .await?;
    rows.into_iter().next().map(Row::into_kept).transpose()
}

/// A decided conflict that the records have not followed yet, locked; `None` where there is nothing to do.
///
/// # Errors
/// When the database does not answer.
pub async fn take(
    tx: &mut Transaction,
    tenant: TenantId,
    conflict: ConflictId,
) -> Result<Option<Kept>, PersistenceError> {
    let found = locked(tx, tenant, conflict).await?;
    Ok(found.filter(|found| found.decision.is_some() && !found.is_applied))
}

/// Notes that the records have followed.
///
/// # Errors
/// When the database does not answer.
pub async fn applied(tx: &mut Transaction, tenant: TenantId, conflict: ConflictId) -> Result<(), PersistenceError> {
    sql_query("UPDATE record_conflicts SET applied_at = now() WHERE tenant_id = $1 AND id = $2")
        .bind::<Text, _>(tenant.to_string())
        .bind::<Text, _>(conflict.to_string())
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Closes what stood between two records that have become one.
///
/// # Errors
/// When the database does not answer.
pub async fn close_between(tx: &mut Transaction, tenant: TenantId, record: RecordId) -> Result<(), PersistenceError> {
    sql_query(
        "UPDATE record_conflicts SET decision = 'merge', decided_at = coalesce(decided_at, now()), applied_at = now()
         WHERE tenant_id = $1 AND record_id = $2 AND other_id = $2 AND reason = 'identity' AND applied_at IS NULL",
    )
    .bind::<Text, _>(tenant.to_string())
    .bind::<Text, _>(record.to_string())
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Conflicts that were decided `age` ago or longer and that the records have not followed, and when; tenants take turns, and what was
/// decided first comes first.
///
/// # Errors
/// When the database does not answer.
pub async fn unapplied(
    tx: &mut Transaction,
    age: Duration,
    limit: i64,
) -> Result<Vec<(Timestamp, TenantId, ConflictId)>, PersistenceError> {
    let rows: Vec<WaitingId> = sql_query(in_turns(
        "tenant_id, id",
        "decided_at",
        "record_conflicts
         WHERE decision IS NOT NULL AND applied_at IS NULL AND decided_at < now() - make_interval(secs => $1)",
    ))
    .bind::<Double, _>(age.as_secs_f64())
    .bind::<BigInt, _>(limit)
    .load(&mut **tx)
    .await?;
    rows.into_iter().map(WaitingId::into_ids).collect()
}
