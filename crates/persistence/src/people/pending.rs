//! The table `pending_erasures`: persons who are deleted on the platforms before they are erased.

use std::collections::BTreeSet;
use std::time::Duration;

use diesel::QueryableByName;
use diesel::sql_types::{Array, BigInt, Bool, Double, Text};
use diesel_async::RunQueryDsl;
use domain::id::{RecordId, TenantId};

use crate::row::Id;
use crate::statement::{in_turns, sql_query};
use crate::text::parse;
use crate::{PersistenceError, Transaction};

/// An erasure that waits for the platforms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pending {
    /// Whose.
    pub tenant: TenantId,
    /// The contact.
    pub record: RecordId,
    /// Whether the deletions were made owed.
    pub has_begun: bool,
    /// Whether nothing is left to wait for: every platform has deleted, refused for good, or was waited for long enough.
    pub is_due: bool,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    tenant_id: String,
    #[diesel(sql_type = Text)]
    record_id: String,
    #[diesel(sql_type = Bool)]
    has_begun: bool,
    #[diesel(sql_type = Bool)]
    is_due: bool,
}

/// Asks for a person to be deleted on the platforms and then erased; asked again, it is the same wish.
///
/// # Errors
/// When the database does not answer.
pub async fn request(tx: &mut Transaction, tenant: TenantId, record: RecordId) -> Result<(), PersistenceError> {
    sql_query("INSERT INTO pending_erasures (tenant_id, record_id) VALUES ($1, $2) ON CONFLICT DO NOTHING")
        .bind::<Text, _>(tenant.to_string())
        .bind::<Text, _>(record.to_string())
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Those of some records that wait for the platforms, or whose contact does.
///
/// # Errors
/// When the database does not answer.
pub async fn waiting(
    tx: &mut Transaction,
    tenant: TenantId,
    records: &BTreeSet<RecordId>,
) -> Result<BTreeSet<RecordId>, PersistenceError> {
    if records.is_empty() {
        return Ok(BTreeSet::new());
    }
    // The records are named as `records::links::named` explains.
    let rows: Vec<Id> = sql_query(
        "SELECT record.id FROM records AS record
         JOIN pending_erasures AS pending ON pending.record_id IN (record.id, record.contact_id)
         WHERE record.id = ANY($2) AND record.tenant_id || '' = $1",
    )
    .bind::<Text, _>(tenant.to_string())
    .bind::<Array<Text>, _>(records.iter().map(ToString::to_string).collect::<Vec<_>>())
    .load(&mut **tx)
    .await?;
    rows.iter().map(|row| parse("id", &row.id)).collect()
}

/// Notes that the deletions are owed from now on.
///
/// # Errors
/// When the database does not answer.
pub async fn begin(tx: &mut Transaction, tenant: TenantId, record: RecordId) -> Result<(), PersistenceError> {
    sql_query("UPDATE pending_erasures SET begun_at = now() WHERE tenant_id = $1 AND record_id = $2")
        .bind::<Text, _>(tenant.to_string())
        .bind::<Text, _>(record.to_string())
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Erasures that have to begin or may end; tenants take turns. `patience` is how long a platform is waited for.
///
/// What is switched off, or was refused for good, is not waited for.
///
/// # Errors
/// When the database does not answer.
pub async fn pending(tx: &mut Transaction, patience: Duration, limit: i64) -> Result<Vec<Pending>, PersistenceError> {
    let rows: Vec<Row> = sql_query(in_turns(
        "tenant_id, record_id, has_begun, is_due",
        "requested_at",
        "(
             SELECT tenant_id, record_id, requested_at, begun_at IS NOT NULL AS has_begun,
                    begun_at IS NOT NULL AND (begun_at < now() - make_interval(secs => $1) OR NOT EXISTS (
                        SELECT FROM record_links AS link
                        JOIN tenant_integrations AS integration ON integration.id = link.integration_id
                        JOIN records AS record ON record.id = link.record_id
                        WHERE (record.id = pending.record_id OR record.contact_id = pending.record_id)
                          AND link.owed::int = 1 AND integration.enabled AND integration.deleted_at IS NULL
                    )) AS is_due
             FROM pending_erasures AS pending
         ) AS known
         WHERE is_due OR NOT has_begun",
    ))
    .bind::<Double, _>(patience.as_secs_f64())
    .bind::<BigInt, _>(limit)
    .load(&mut **tx)
    .await?;
    let read = |row: Row| {
        let (tenant, record) = (parse("tenant_id", &row.tenant_id)?, parse("record_id", &row.record_id)?);
        Ok(Pending { tenant, record, has_begun: row.has_begun, is_due: row.is_due })
    };
    rows.into_iter().map(read).collect()
}
