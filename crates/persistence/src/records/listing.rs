//! Records as a list for readers, the newest first: an order that no change of a record touches. Reading one to change it is `store`'s.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{Array, BigInt, Jsonb, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use domain::id::{IntegrationId, RecordId, TenantId};
use domain::kind::RecordKind;
use domain::record::Record;
use domain::time::Timestamp;

use crate::statement::sql_query;
use crate::text::{Json, from_json, parse};
use crate::{PersistenceError, Transaction};

/// Which records are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Of this kind.
    pub kind: RecordKind,
    /// Found by this; any where it is `None`.
    pub found_by: Option<FoundBy>,
    /// Behind this place of the list.
    pub after: Option<RecordId>,
    /// How many at most.
    pub limit: u32,
}

/// What somebody looks for records by. Any of it suffices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundBy {
    /// Identifiers in their normal form, Coccinelle's ids, platforms' ids of objects.
    pub identifiers: Vec<String>,
    /// The beginning of a name, first name or last name first, or of a title; case and accents do not matter.
    pub name: String,
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
    fields: Json,
    #[diesel(sql_type = BigInt)]
    version: i64,
    #[diesel(sql_type = Timestamptz)]
    updated_at: DateTime<Utc>,
}

const LIST: &str = "
SELECT id, fields, version, updated_at FROM records AS record
WHERE tenant_id = $1 AND kind = $2
  AND ($3 IS NULL OR id IN (
      SELECT record_id FROM record_identities WHERE tenant_id = $1 AND kind = $2 AND value = ANY($3)
      UNION ALL
      SELECT link.record_id FROM tenant_integrations AS integration
      JOIN record_links AS link ON link.integration_id = integration.id AND link.kind = $2 AND link.external_id = ANY($3)
      WHERE integration.tenant_id = $1 AND link.record_id IS NOT NULL
      UNION ALL
      SELECT named.id FROM records AS named, plain_name($6) AS name
      WHERE name <> '' AND named.tenant_id = $1 AND named.kind = $2
        AND name_forward <> '' AND name_forward >= name AND name_forward < name || chr(1114111)
      UNION ALL
      SELECT named.id FROM records AS named, plain_name($6) AS name
      WHERE name <> '' AND named.tenant_id = $1 AND named.kind = $2
        AND name_backward <> '' AND name_backward >= name AND name_backward < name || chr(1114111)))
  AND ($4 IS NULL OR id < $4)";

/// What is on the platform of an integration, or waits to be.
const LINKED: &str = "
  AND EXISTS (SELECT FROM record_links AS link
              WHERE link.record_id = record.id AND link.integration_id = $7 AND link.tenant_id = $1)";

const NEWEST: &str = "
ORDER BY id DESC LIMIT $5";

/// Records of a tenant, the newest first.
///
/// # Errors
/// When the database does not answer.
pub async fn list(tx: &mut Transaction, tenant: TenantId, wanted: &Wanted) -> Result<Vec<Listed>, PersistenceError> {
    shown(tx, tenant, wanted, None).await
}

/// The same of those records alone that an integration has a link for.
///
/// # Errors
/// When the database does not answer.
pub async fn linked(
    tx: &mut Transaction,
    (tenant, integration): (TenantId, IntegrationId),
    wanted: &Wanted,
) -> Result<Vec<Listed>, PersistenceError> {
    shown(tx, tenant, wanted, Some(integration)).await
}

async fn shown(
    tx: &mut Transaction,
    tenant: TenantId,
    wanted: &Wanted,
    linked: Option<IntegrationId>,
) -> Result<Vec<Listed>, PersistenceError> {
    let linked_only = linked.map_or("", |_| LINKED);
    let query = sql_query(format!("{LIST}{linked_only}{NEWEST}"))
        .bind::<Text, _>(tenant.to_string())
        .bind::<Text, _>(wanted.kind.as_str())
        .bind::<Nullable<Array<Text>>, _>(wanted.found_by.as_ref().map(|by| &by.identifiers))
        .bind::<Nullable<Text>, _>(wanted.after.map(|id| id.to_string()))
        .bind::<BigInt, _>(i64::from(wanted.limit))
        .bind::<Nullable<Text>, _>(wanted.found_by.as_ref().map(|by| by.name.as_str()));
    let rows: Vec<Row> = match linked {
        Some(integration) => query.bind::<Text, _>(integration.to_string()).load(&mut **tx).await?,
        None => query.load(&mut **tx).await?,
    };
    rows.into_iter()
        .map(|row| {
            let (id, fields) = (parse("id", &row.id)?, from_json("fields", row.fields)?);
            let record = Record { id, tenant_id: tenant, kind: wanted.kind, fields, version: row.version };
            Ok(Listed { record, updated_at: row.updated_at.into() })
        })
        .collect()
}
