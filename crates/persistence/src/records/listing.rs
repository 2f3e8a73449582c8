//! Records as a list for readers, those that changed last first. Reading one to change it is `store`'s.

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Jsonb, Nullable, Text, Timestamptz};
use diesel::{QueryableByName, sql_query};
use diesel_async::RunQueryDsl;
use domain::id::{RecordId, TenantId};
use domain::kind::RecordKind;
use domain::record::Record;
use domain::time::Timestamp;
use serde_json::Value;

use crate::text::{from_json, parse};
use crate::{PersistenceError, Transaction};

/// Which records are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Of this kind.
    pub kind: RecordKind,
    /// Recognised by one of these identifiers, in their normal form; any where it is `None`.
    pub identifiers: Option<Vec<String>>,
    /// Behind this place of the list.
    pub after: Option<(Timestamp, RecordId)>,
    /// How many at most.
    pub limit: u32,
}

/// A record in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// It.
    pub record: Record,
    /// When a value of it last changed.
    pub updated_at: Timestamp,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Jsonb)]
    fields: Value,
    #[diesel(sql_type = BigInt)]
    version: i64,
    #[diesel(sql_type = Timestamptz)]
    updated_at: DateTime<Utc>,
}

const LIST: &str = "
SELECT id, fields, version, updated_at FROM records AS record
WHERE tenant_id = $1 AND kind = $2
  AND ($3 IS NULL OR id IN (
      SELECT record_id FROM record_identities WHERE tenant_id = $1 AND kind = $2 AND value = ANY($3)))
  AND ($4 IS NULL OR updated_at < $4 OR (updated_at = $4 AND id > $5))
ORDER BY updated_at DESC, id LIMIT $6";

/// Records of a tenant, those that changed last first.
///
/// # Errors
/// When the database does not answer.
pub async fn list(tx: &mut Transaction, tenant: TenantId, wanted: &Wanted) -> Result<Vec<Listed>, PersistenceError> {
    let rows: Vec<Row> = sql_query(LIST)
        .bind::<Text, _>(tenant.to_string())
        .bind::<Text, _>(wanted.kind.as_str())
        .bind::<Nullable<Array<Text>>, _>(&wanted.identifiers)
        .bind::<Nullable<Timestamptz>, _>(wanted.after.map(|(at, _)| DateTime::<Utc>::from(at)))
        .bind::<Nullable<Text>, _>(wanted.after.map(|(_, id)| id.to_string()))
        .bind::<BigInt, _>(i64::from(wanted.limit))
        .load(&mut **tx)
        .await?;
    rows.into_iter()
        .map(|row| {
            let (id, fields) = (parse("id", &row.id)?, from_json("fields", row.fields)?);
            let record = Record { id, tenant_id: tenant, kind: wanted.kind, fields, version: row.version };
            Ok(Listed { record, updated_at: row.updated_at.into() })
        })
        .collect()
}
