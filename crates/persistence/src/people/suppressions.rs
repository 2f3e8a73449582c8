//! The tables `suppression_keys`, `suppressions` and `erased_records`: who may not come back, and by what that is known.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use domain::id::{IntegrationId, RecordId, SuppressionId, TenantId};
use domain::time::Timestamp;

use crate::log_page::{LogCursor, LogPage, LogRow};
use crate::statement::sql_query;
use crate::text::parse;
use crate::{PersistenceError, Transaction};

/// An identifier, as a keyed hash.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Suppressed {
    /// What kind of identifier: `coccinelle`, `email`, `phone` or `external_id`.
    pub scheme: &'static str,
    /// Its hash.
    pub hash: String,
}

/// An identifier that is suppressed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suppression {
    /// Its id.
    pub id: SuppressionId,
    /// The record that was erased.
    pub record: RecordId,
    /// What kind of identifier.
    pub scheme: String,
    /// Its hash.
    pub hash: String,
    /// Since when.
    pub created_at: Timestamp,
}

impl LogRow for Suppression {
    fn cursor(&self) -> LogCursor {
        LogCursor { created_at: self.created_at, id: self.id.to_string() }
    }
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Text)]
    record_id: String,
    #[diesel(sql_type = Text)]
    scheme: String,
    #[diesel(sql_type = Text)]
    hash: String,
    #[diesel(sql_type = Timestamptz)]
    created_at: DateTime<Utc>,
}

#[derive(QueryableByName)]
struct Word {
    #[diesel(sql_type = Text)]
    word: String,
}

/// The tenant's suppression key as it is sealed, and the integration to which it is bound; `None` where nobody was erased.
///
/// # Errors
/// When the database does not answer.
pub async fn key(tx: &mut Transaction, tenant: TenantId) -> Result<Option<(IntegrationId, String)>, PersistenceError> {
    #[derive(QueryableByName)]
    struct Key {
        #[diesel(sql_type = Text)]
        integration_id: String,
        #[diesel(sql_type = Text)]
        key_sealed: String,
    }
    let rows: Vec<Key> = sql_query("SELECT integration_id, key_sealed FROM suppression_keys WHERE tenant_id = $1")
        .bind::<Text, _>(tenant.to_string())
        .load(&mut **tx)
        .await?;
    let key = rows.into_iter().next();
    key.map(|row| Ok((parse("integration_id", &row.integration_id)?, row.key_sealed))).transpose()
}

/// Keeps the tenant's first suppression key; one that is there stays.
///
/// # Errors
/// When the database does not answer.
pub async fn keep_key(
    tx: &mut Transaction,
    (tenant, integration): (TenantId, IntegrationId),
    sealed: &str,
) -> Result<(), PersistenceError> {
    sql_query(
        "INSERT INTO suppression_keys (tenant_id, integration_id, key_sealed) VALUES ($1, $2, $3)
         ON CONFLICT (tenant_id) DO NOTHING",
    )
    .bind::<Text, _>(tenant.to_string())
    .bind::<Text, _>(integration.to_string())
    .bind::<Text, _>(sealed)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Suppresses identifiers of a person. Returns the suppressions of the record, those that were there among them.
///
/// # Errors
/// When the database does not answer.
pub async fn suppress(
    tx: &mut Transaction,
    tenant: TenantId,
    record: RecordId,
    identifiers: &BTreeSet<Suppressed>,
) -> Result<Vec<Suppression>, PersistenceError> {
    sql_query(
        "INSERT INTO suppressions (tenant_id, record_id, id, scheme, hash)
         SELECT $1, $2, new.* FROM unnest($3, $4, $5) AS new (id, scheme, hash)
         ON CONFLICT (tenant_id, hash) DO NOTHING",
    )
    .bind::<Text, _>(tenant.to_string())
    .bind::<Text, _>(record.to_string())
    .bind::<Array<Text>, _>(identifiers.iter().map(|_| SuppressionId::new().to_string()).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(identifiers.iter().map(|identifier| identifier.scheme).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(identifiers.iter().map(|identifier| identifier.hash.as_str()).collect::<Vec<_>>())
    .execute(&mut **tx)
    .await?;
    let rows: Vec<Row> = sql_query(
        "SELECT id, record_id, scheme, hash, created_at FROM suppressions
         WHERE tenant_id = $1 AND record_id = $2 ORDER BY id",
    )
    .bind::<Text, _>(tenant.to_string())
    .bind::<Text, _>(record.to_string())
    .load(&mut **tx)
    .await?;
    rows.into_iter().map(Row::into_suppression).collect()
}

impl Row {
    fn into_suppression(self) -> Result<Suppression, PersistenceError> {
        Ok(Suppression {
            id: parse("id", &self.id)?,
            record: parse("record_id", &self.record_id)?,
            scheme: self.scheme,
            hash: self.hash,
            created_at: self.created_at.into(),
        })
    }
}

/// Those of some hashes that are suppressed.
///
/// # Errors
/// When the database does not answer.
pub async fn suppressed(
    tx: &mut Transaction,
    tenant: TenantId,
    hashes: &BTreeSet<String>,
) -> Result<BTreeSet<String>, PersistenceError> {
    let rows: Vec<Word> = sql_query("SELECT hash AS word FROM suppressions WHERE tenant_id = $1 AND hash = ANY($2)")
        .bind::<Text, _>(tenant.to_string())
        .bind::<Array<Text>, _>(hashes.iter().collect::<Vec<_>>())
        .load(&mut **tx)
        .await?;
    Ok(rows.into_iter().map(|row| row.word).collect())
}

/// Those of some records that were erased, and whose suppression was not lifted.
///
/// # Errors
/// When the database does not answer.
pub async fn are_erased(
    tx: &mut Transaction,
    tenant: TenantId,
    records: &BTreeSet<RecordId>,
) -> Result<BTreeSet<RecordId>, PersistenceError> {
    if records.is_empty() {
        return Ok(BTreeSet::new());
    }
    // The records are named as `records::links::named` explains.
    let rows: Vec<Word> = sql_query(
        "SELECT DISTINCT record_id AS word FROM suppressions WHERE record_id = ANY($2) AND tenant_id || '' = $1",
    )
    .bind::<Text, _>(tenant.to_string())
    .bind::<Array<Text>, _>(records.iter().map(ToString::to_string).collect::<Vec<_>>())
    .load(&mut **tx)
    .await?;
    rows.iter().map(|row| parse("record_id", &row.word)).collect()
}

/// Suppressions of a tenant, the newest first.
///
/// # Errors
/// When the database does not answer.
pub async fn list(
    tx: &mut Transaction,
    tenant: TenantId,
    page: &LogPage,
) -> Result<Vec<Suppression>, PersistenceError> {
    let after = page.after.as_ref();
    let rows: Vec<Row> = sql_query(
        "SELECT id, record_id, scheme, hash, created_at FROM suppressions
         WHERE tenant_id = $1 AND ($2 IS NULL OR (created_at, id) < ($2, $3))
         ORDER BY created_at DESC, id DESC LIMIT $4",
    )
    .bind::<Text, _>(tenant.to_string())
    .bind::<Nullable<Timestamptz>, _>(after.map(|after| DateTime::<Utc>::from(after.created_at)))
    .bind::<Nullable<Text>, _>(after.map(|after| after.id.clone()))
    .bind::<BigInt, _>(i64::from(page.limit))
    .load(&mut **tx)
    .await?;
    rows.into_iter().map(Row::into_suppression).collect()
}

/// Lifts a suppression; whether it was there.
///
/// # Errors
/// When the database does not answer.
pub async fn lift(tx: &mut Transaction, tenant: TenantId, id: SuppressionId) -> Result<bool, PersistenceError> {
    let lifted = sql_query("DELETE FROM suppressions WHERE tenant_id = $1 AND id = $2")
        .bind::<Text, _>(tenant.to_string())
        .bind::<Text, _>(id.to_string())
        .execute(&mut **tx)
        .await?;
    Ok(lifted == 1)
}
