//! The table `records`: read, lock, save. Merging is `domain::record`'s.

use std::collections::BTreeSet;

use diesel::QueryableByName;
use diesel::sql_types::{Array, BigInt, Jsonb, Text};
use diesel_async::RunQueryDsl;
use domain::id::{RecordId, TenantId};
use domain::kind::RecordKind;
use domain::record::Record;

use crate::statement::sql_query;
use crate::text::{Json, from_json, parse, to_json};
use crate::{PersistenceError, Transaction};

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Text)]
    tenant_id: String,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Jsonb)]
    fields: Json,
    #[diesel(sql_type = BigInt)]
    version: i64,
}

impl Row {
    fn into_record(self) -> Result<Record, PersistenceError> {
        Ok(Record {
            id: parse("id", &self.id)?,
            tenant_id: parse("tenant_id", &self.tenant_id)?,
            kind: parse("kind", &self.kind)?,
            fields: from_json("fields", self.fields)?,
            version: self.version,
        })
    }
}

const COLUMNS: &str = "SELECT id, tenant_id, kind, fields, version FROM records";

/// Records of a tenant that are named, in words that keep PostgreSQL from walking over all that it has, as `links::named` explains.
const NAMED: &str = "id = ANY($2) AND tenant_id || '' = $1";

/// One record of a tenant; `None` where the tenant has none of that id.
///
/// # Errors
/// When the database does not answer.
pub async fn get(tx: &mut Transaction, tenant: TenantId, id: RecordId) -> Result<Option<Record>, PersistenceError> {
    let rows: Vec<Row> = sql_query(format!("{COLUMNS} WHERE tenant_id = $1 AND id = $2"))
        .bind::<Text, _>(tenant.to_string())
        .bind::<Text, _>(id.to_string())
        .load(&mut **tx)
        .await?;
    rows.into_iter().next().map(Row::into_record).transpose()
}

/// Several records of a tenant, locked until the transaction ends, in the order of their ids so that two callers
/// cannot wait for each other.
///
/// # Errors
/// When the database does not answer.
pub async fn lock(
    tx: &mut Transaction,
    tenant: TenantId,
    ids: &BTreeSet<RecordId>,
) -> Result<Vec<Record>, PersistenceError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
    let rows: Vec<Row> = sql_query(format!("{COLUMNS} WHERE {NAMED} ORDER BY id FOR UPDATE"))
        .bind::<Text, _>(tenant.to_string())
        .bind::<Array<Text>, _>(ids)
        .load(&mut **tx)
        .await?;
    rows.into_iter().map(Row::into_record).collect()
}

/// Locks several records of a tenant as [`lock`] does, for whoever takes turns by them and asks nothing of what they hold.
///
/// # Errors
/// When the database does not answer.
pub async fn hold(tx: &mut Transaction, tenant: TenantId, ids: &BTreeSet<RecordId>) -> Result<(), PersistenceError> {
    if ids.is_empty() {
        return Ok(());
    }
    sql_query(format!("SELECT FROM records WHERE {NAMED} ORDER BY id FOR UPDATE"))
        .bind::<Text, _>(tenant.to_string())
        .bind::<Array<Text>, _>(ids.iter().map(ToString::to_string).collect::<Vec<_>>())
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Writes records as they are, new ones and known ones; the caller holds their locks.
///
/// # Errors
/// When the database does not answer.
pub async fn save(tx: &mut Transaction, records: &[&Record]) -> Result<(), PersistenceError> {
    if records.is_empty() {
        return Ok(());
    }
    let fields = records.iter().map(|record| to_json(&record.fields)).collect::<Result<Vec<Json>, _>>()?;
    sql_query(
        "INSERT INTO records (id, tenant_id, kind, fields, version)
         SELECT * FROM unnest($1, $2, $3, $4, $5)
         ON CONFLICT (id) DO UPDATE SET fields = EXCLUDED.fields, version = EXCLUDED.version,
             updated_at = CASE WHEN records.version = EXCLUDED.version THEN records.updated_at ELSE now() END",
    )
    .bind::<Array<Text>, _>(records.iter().map(|record| record.id.to_string()).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(records.iter().map(|record| record.tenant_id.to_string()).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(records.iter().map(|record| record.kind.as_str()).collect::<Vec<_>>())
    .bind::<Array<Jsonb>, _>(fields)
    .bind::<Array<BigInt>, _>(records.iter().map(|record| record.version).collect::<Vec<_>>())
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Several records of a tenant as they are now, without locking them.
///
/// # Errors
/// When the database does not answer.
pub async fn get_many(
    tx: &mut Transaction,
    tenant: TenantId,
    ids: &BTreeSet<RecordId>,
) -> Result<Vec<Record>, PersistenceError> {
    let rows: Vec<Row> = sql_query(format!("{COLUMNS} WHERE {NAMED}"))
        .bind::<Text, _>(tenant.to_string())
        .bind::<Array<Text>, _>(ids.iter().map(ToString::to_string).collect::<Vec<_>>())
        .load(&mut **tx)
        .await?;
    rows.into_iter().map(Row::into_record).collect()
}

/// So many records of a kind behind `after`, in the order of their ids, for a walk over all of them.
///
/// # Errors
/// When the database does not answer.
pub async fn walk(
    tx: &mut Transaction,
    tenant: TenantId,
    kind: RecordKind,
    after: Option<RecordId>,
    limit: i64,
) -> Result<Vec<Record>, PersistenceError> {
    let rows: Vec<Row> =
        sql_query(format!("{COLUMNS} WHERE tenant_id = $1 AND kind = $2 AND id > $3 ORDER BY id LIMIT $4"))
            .bind::<Text, _>(tenant.to_string())
            .bind::<Text, _>(kind.as_str())
            .bind::<Text, _>(after.map(|id| id.to_string()).unwrap_or_default())
            .bind::<BigInt, _>(limit)
            .load(&mut **tx)
            .await?;
    rows.into_iter().map(Row::into_record).collect()
}
