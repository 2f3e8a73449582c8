//! Backends that are owed news of everything there is, since somebody said where they are. The news itself is `telling`'s.

use std::collections::{BTreeMap, BTreeSet};

use diesel::QueryableByName;
use diesel::sql_types::{Array, BigInt, Bool, Text};
use diesel_async::RunQueryDsl;
use domain::id::{IntegrationId, RecordId, TenantId};
use domain::kind::RecordKind;

use crate::row::OwnedId;
use crate::statement::sql_query;
use crate::text::parse;
use crate::{PersistenceError, Transaction};

/// The backends that have not been told everything since somebody said where they are.
///
/// # Errors
/// When the database does not answer.
pub async fn backends_to_tell(tx: &mut Transaction) -> Result<Vec<(TenantId, IntegrationId)>, PersistenceError> {
    let rows: Vec<OwnedId> = sql_query(
        "SELECT tenant_id, id FROM tenant_integrations
         WHERE platform = 'coccinelle' AND deleted_at IS NULL AND linked_version < version ORDER BY id LIMIT 100",
    )
    .load(&mut **tx)
    .await?;
    rows.into_iter().map(OwnedId::into_ids).collect()
}

/// Names so many records of a tenant behind `after`, for a walk over all of them.
///
/// # Errors
/// When the database does not answer.
pub async fn records_after(
    tx: &mut Transaction,
    tenant: TenantId,
    after: Option<RecordId>,
    limit: i64,
) -> Result<BTreeMap<RecordId, RecordKind>, PersistenceError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        id: String,
        #[diesel(sql_type = Text)]
        kind: String,
    }
    // By each kind in turn, as they are in the index of a tenant's records: else all of them would be sorted for each step of the walk.
    let rows: Vec<Row> = sql_query(
        "SELECT next.id, next.kind FROM unnest($1) AS of_kind (name) CROSS JOIN LATERAL (
             SELECT id, kind FROM records WHERE tenant_id = $2 AND kind = of_kind.name AND id > $3 ORDER BY id LIMIT $4
         ) AS next ORDER BY next.id LIMIT $4",
    )
    .bind::<Array<Text>, _>(RecordKind::ALL.map(RecordKind::as_str).to_vec())
    .bind::<Text, _>(tenant.to_string())
    .bind::<Text, _>(after.map(|id| id.to_string()).unwrap_or_default())
    .bind::<BigInt, _>(limit)
    .load(&mut **tx)
    .await?;
    rows.into_iter().map(|row| Ok((parse("id", &row.id)?, parse("kind", &row.kind)?))).collect()
}

/// Notes that everything there was is owed to these backends, or has been told; with none given, that nothing is.
///
/// # Errors
/// When the database does not answer.
pub async fn mark_backends(
    tx: &mut Transaction,
    told: Option<&BTreeSet<IntegrationId>>,
) -> Result<(), PersistenceError> {
    let ids: Vec<String> = told.into_iter().flatten().map(ToString::to_string).collect();
    sql_query(
        "UPDATE tenant_integrations SET linked_version = CASE WHEN $2 THEN version ELSE 0 END
         WHERE platform = 'coccinelle' AND (id = ANY($1) OR (NOT $2 AND linked_version > 0))",
    )
    .bind::<Array<Text>, _>(ids)
    .bind::<Bool, _>(told.is_some())
    .execute(&mut **tx)
    .await?;
    Ok(())
}
