//! Two records becoming one: aliases, and moving to the one what belonged to the other. What its fields become is `domain::record`'s.

use std::collections::BTreeSet;

use diesel::QueryableByName;
use diesel::sql_types::{Array, Nullable, Text};
use diesel_async::RunQueryDsl;
use domain::field::{FieldName, FieldValue};
use domain::id::{IntegrationId, LeaseToken, RecordId, TenantId};
use domain::record::{Lost, Record, Stamp, Stamped};
use domain::time::Timestamp;

use super::conflicts::{self, Conflict, Why};
use super::store;
use crate::row::Id;
use crate::statement::sql_query;
use crate::text::parse;
use crate::{PersistenceError, Transaction};

/// The record that an id leads to: itself, or the one that it became; `None` where there is neither.
///
/// # Errors
/// When the database does not answer.
pub async fn resolve(
    tx: &mut Transaction,
    tenant: TenantId,
    id: RecordId,
) -> Result<Option<RecordId>, PersistenceError> {
    let rows: Vec<Id> = sql_query(
        "SELECT id FROM records WHERE tenant_id = $1 AND id = $2
         UNION ALL SELECT record_id FROM record_aliases WHERE tenant_id = $1 AND id = $2",
    )
    .bind::<Text, _>(tenant.to_string())
    .bind::<Text, _>(id.to_string())
    .load(&mut **tx)
    .await?;
    rows.into_iter().next().map(|row| parse("id", &row.id)).transpose()
}

/// Those of some ids that became other records, and which.
///
/// # Errors
/// When the database does not answer.
pub async fn aliases(
    tx: &mut Transaction,
    tenant: TenantId,
    ids: &BTreeSet<RecordId>,
) -> Result<Vec<(RecordId, RecordId)>, PersistenceError> {
    among(tx, "SELECT id, record_id FROM record_aliases WHERE tenant_id = $1 AND id = ANY($2)", tenant, ids).await
}

/// The records that became one of these, and which.
///
/// # Errors
/// When the database does not answer.
pub async fn former(
    tx: &mut Transaction,
    tenant: TenantId,
    ids: &BTreeSet<RecordId>,
) -> Result<Vec<(RecordId, RecordId)>, PersistenceError> {
    among(tx, "SELECT id, record_id FROM record_aliases WHERE tenant_id = $1 AND record_id = ANY($2)", tenant, ids)
        .await
}

async fn among(
    tx: &mut Transaction,
    query: &str,
    tenant: TenantId,
    ids: &BTreeSet<RecordId>,
) -> Result<Vec<(RecordId, RecordId)>, PersistenceError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        id: String,
        #[diesel(sql_type = Text)]
        record_id: String,
    }
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<Row> = sql_query(query)
        .bind::<Text, _>(tenant.to_string())
        .bind::<Array<Text>, _>(ids.iter().map(ToString::to_string).collect::<Vec<_>>())
        .load(&mut **tx)
        .await?;
    rows.into_iter().map(|row| Ok((parse("id", &row.id)?, parse("record_id", &row.record_id)?))).collect()
}

/// Moves everything of `lost` to `survivor`, the wish to erase it among that, and leaves an alias. The caller excludes
/// everybody else, and has merged and saved the fields.
///
/// Where both have a counterpart in one integration, one is kept; an object that is left alone by that is noted.
///
/// # Errors
/// When the database does not answer.
pub async fn join(
    tx: &mut Transaction,
    tenant: TenantId,
    (survivor, lost): (RecordId, RecordId),
) -> Result<(), PersistenceError> {
    let left = part_with_links(tx, tenant, (survivor, lost)).await?;
    for statement in [
        "UPDATE record_identities SET record_id = $2 WHERE tenant_id = $1 AND record_id = $3",
        "UPDATE record_conflicts SET record_id = $2 WHERE tenant_id = $1 AND record_id = $3",
        "UPDATE record_conflicts SET other_id = $2 WHERE tenant_id = $1 AND other_id = $3",
        "UPDATE record_edits SET record_id = $2 WHERE tenant_id = $1 AND record_id = $3",
        "UPDATE record_aliases SET record_id = $2 WHERE tenant_id = $1 AND record_id = $3",
        "INSERT INTO record_aliases (tenant_id, record_id, id) VALUES ($1, $2, $3)",
        // A wish to erase either is one to erase the person that they are; what the other brings has to be deleted as well.
        "INSERT INTO pending_erasures (tenant_id, record_id, requested_at)
         SELECT $1, $2, min(requested_at) FROM pending_erasures
         WHERE tenant_id = $1 AND record_id IN ($2, $3) HAVING count(*) > 0
         ON CONFLICT (record_id) DO UPDATE SET requested_at = excluded.requested_at, begun_at = NULL",
        "UPDATE erasures SET record_id = $2 WHERE tenant_id = $1 AND record_id = $3",
        "UPDATE suppressions SET record_id = $2 WHERE tenant_id = $1 AND record_id = $3",
        "DELETE FROM records WHERE tenant_id = $1 AND id = $3 AND id <> $2",
    ] {
        sql_query(statement)
            .bind::<Text, _>(tenant.to_string())
            .bind::<Text, _>(survivor.to_string())
            .bind::<Text, _>(lost.to_string())
            .execute(&mut **tx)
            .await?;
    }
    conflicts::close_between(tx, tenant, survivor).await?;
    let now = tx.now().await?;
    let unlinked = left.into_iter().map(|left| left.into_conflict(survivor, now)).collect::<Result<Vec<_>, _>>()?;
    conflicts::keep(tx, tenant, &unlinked).await
}

#[derive(QueryableByName)]
struct Left {
    #[diesel(sql_type = Text)]
    integration_id: String,
    #[diesel(sql_type = Nullable<Text>)]
    external_id: Option<String>,
}

impl Left {
    fn into_conflict(self, record: RecordId, at: Timestamp) -> Result<Conflict, PersistenceError> {
        let origin = parse("integration_id", &self.integration_id)?;
        let stamp = Stamp { rank: 0, at, origin };
        let stamped = Stamped { stamp, value: FieldValue::text(self.external_id.unwrap_or_default()) };
        let lost = Lost { field: FieldName::new("external_id"), lost: stamped.clone(), kept: stamped };
        Ok(Conflict::Value { record, why: Why::Unlinked, lost })
    }
}

/// Deletes the links that have to give way, moves the others, and takes their leases: whoever works on one of them
/// finds that it is not theirs any more, and whoever takes it next reads before writing.
async fn part_with_links(
    tx: &mut Transaction,
    tenant: TenantId,
    (survivor, lost): (RecordId, RecordId),
) -> Result<Vec<Left>, PersistenceError> {
    // Of two, the one that has a counterpart, or may have just made one; else the survivor's own.
    let left: Vec<Left> = sql_query(
        "DELETE FROM record_links AS given_up USING (
             SELECT DISTINCT ON (integration_id) integration_id, id, count(*) OVER (PARTITION BY integration_id) AS of
             FROM record_links WHERE tenant_id = $1 AND record_id IN ($2, $3)
             ORDER BY integration_id, external_id IS NULL, gone, intent_at IS NULL, record_id <> $2
         ) AS stays
         WHERE given_up.integration_id = stays.integration_id AND given_up.record_id IN ($2, $3)
           AND given_up.id <> stays.id AND stays.of > 1
         RETURNING given_up.integration_id, CASE WHEN given_up.gone THEN NULL ELSE given_up.external_id END AS external_id",
    )
    .bind::<Text, _>(tenant.to_string())
    .bind::<Text, _>(survivor.to_string())
    .bind::<Text, _>(lost.to_string())
    .load(&mut **tx)
    .await?;
    sql_query(
        "UPDATE record_links SET record_id = $2, synced_version = 0, blocked_at = NULL, attempts = 0, not_before = NULL,
             waits_for = NULL, lease_token = CASE WHEN lease_token IS NOT NULL THEN $4 END,
             lease_until = CASE WHEN lease_token IS NOT NULL THEN now() END
         WHERE tenant_id = $1 AND record_id IN ($2, $3)",
    )
    .bind::<Text, _>(tenant.to_string())
    .bind::<Text, _>(survivor.to_string())
    .bind::<Text, _>(lost.to_string())
    .bind::<Text, _>(LeaseToken::new().to_string())
    .execute(&mut **tx)
    .await?;
    // Coccinelle's own ids lead here still; only objects of platforms are left alone.
    let backend = crate::integrations::backend(tx, tenant).await?.to_string();
    Ok(left.into_iter().filter(|left| left.external_id.is_some() && left.integration_id != backend).collect())
}

/// The records that belong to a contact, locked in the order of their ids.
///
/// # Errors
/// When the database does not answer.
pub async fn dependents(
    tx: &mut Transaction,
    tenant: TenantId,
    contact: RecordId,
) -> Result<Vec<Record>, PersistenceError> {
    let rows: Vec<Id> = sql_query("SELECT id FROM records WHERE tenant_id = $1 AND contact_id = $2")
        .bind::<Text, _>(tenant.to_string())
        .bind::<Text, _>(contact.to_string())
        .load(&mut **tx)
        .await?;
    let ids = rows.iter().map(|row| parse("id", &row.id)).collect::<Result<BTreeSet<RecordId>, _>>()?;
    store::lock(tx, tenant, &ids).await
}

/// Ties a record to another contact, as of `now`; whether it was tied to another.
pub fn retie(record: &mut Record, contact: RecordId, origin: IntegrationId, now: Timestamp) -> bool {
    let name = FieldName::new(FieldName::CONTACT);
    let after = record.fields.get(FieldName::CONTACT).map(|stamped| stamped.stamp.at.next());
    let at = after.map_or(now, |after| now.max(after));
    let value = FieldValue::text(contact.to_string());
    let is_other = record.fields.value(FieldName::CONTACT) != Some(&value);
    record.fields.set(name, value, Stamp { rank: 0, at, origin });
    record.version += i64::from(is_other);
    is_other
}
