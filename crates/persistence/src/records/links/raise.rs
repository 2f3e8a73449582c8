//! Raising what a link should reach, which is what makes it owed, and finding what is owed of some records.

use diesel::QueryableByName;
use diesel::sql_types::{Array, BigInt, Text};
use diesel_async::RunQueryDsl;
use domain::id::{IntegrationId, LinkId, RecordId, TenantId};
use domain::kind::RecordKind;
use domain::message::RecordPush;

use super::{PushRow, into_pushes};
use crate::statement::sql_query;
use crate::text::parse;
use crate::{PersistenceError, Transaction};

/// The version of a record and of the mapping that an integration should reach.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// The integration.
    pub integration: IntegrationId,
    /// The record.
    pub record: RecordId,
    /// Its kind.
    pub kind: RecordKind,
    /// Its version.
    pub version: i64,
    /// The mapping's version.
    pub mapping: i64,
}

/// Raises what links should reach, making those that are missing. What moves is owed from now on, and no longer blocked.
///
/// Links that are there are locked in the order of their ids, as everybody does who locks several.
///
/// # Errors
/// When the database does not answer.
pub async fn raise(tx: &mut Transaction, tenant: TenantId, wanted: &[Wanted]) -> Result<(), PersistenceError> {
    if wanted.is_empty() {
        return Ok(());
    }
    sql_query(
        "INSERT INTO record_links (tenant_id, id, integration_id, record_id, kind, wanted_version, wanted_mapping,
                                   owed_since, announced_at)
         SELECT $1, new.*, now(), now() FROM unnest($2, $3, $4, $5, $6, $7)
             AS new (id, integration_id, record_id, kind, wanted_version, wanted_mapping)
         LEFT JOIN record_links AS known ON known.integration_id = new.integration_id AND known.record_id = new.record_id
         ORDER BY known.id, new.record_id, new.integration_id
         ON CONFLICT (integration_id, record_id) DO UPDATE SET
             wanted_version = greatest(record_links.wanted_version, EXCLUDED.wanted_version),
             wanted_mapping = greatest(record_links.wanted_mapping, EXCLUDED.wanted_mapping),
             blocked_at = NULL, attempts = 0, not_before = NULL, waits_for = NULL,
             owed_since = coalesce(record_links.owed_since, now()), announced_at = now()
         WHERE record_links.wanted_version < EXCLUDED.wanted_version
            OR record_links.wanted_mapping < EXCLUDED.wanted_mapping",
    )
    .bind::<Text, _>(tenant.to_string())
    .bind::<Array<Text>, _>(wanted.iter().map(|_| LinkId::new().to_string()).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(wanted.iter().map(|link| link.integration.to_string()).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(wanted.iter().map(|link| link.record.to_string()).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(wanted.iter().map(|link| link.kind.as_str()).collect::<Vec<_>>())
    .bind::<Array<BigInt>, _>(wanted.iter().map(|link| link.version).collect::<Vec<_>>())
    .bind::<Array<BigInt>, _>(wanted.iter().map(|link| link.mapping).collect::<Vec<_>>())
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Raises the mapping that an integration's links of a kind should reach, those that nobody holds and `limit` at most, and
/// names them; the reconciler raises the others.
///
/// # Errors
/// When the database does not answer.
pub async fn raise_mapping(
    tx: &mut Transaction,
    (tenant, integration): (TenantId, IntegrationId),
    (kind, version): (RecordKind, i64),
    limit: i64,
) -> Result<Vec<RecordPush>, PersistenceError> {
    let rows: Vec<PushRow> = sql_query(
        "UPDATE record_links AS link SET wanted_mapping = $4, blocked_at = NULL, attempts = 0, not_before = NULL,
             waits_for = NULL, owed_since = coalesce(link.owed_since, now()), announced_at = now()
         FROM (
             SELECT id FROM record_links
             WHERE tenant_id = $1 AND integration_id = $2 AND kind = $3 AND record_id IS NOT NULL AND wanted_mapping < $4
               AND synced_mapping < $4
             LIMIT $5 FOR UPDATE SKIP LOCKED
         ) AS behind
         WHERE link.id = behind.id
         RETURNING link.id, link.tenant_id, link.integration_id",
    )
    .bind::<Text, _>(tenant.to_string())
    .bind::<Text, _>(integration.to_string())
    .bind::<Text, _>(kind.as_str())
    .bind::<BigInt, _>(version)
    .bind::<BigInt, _>(limit)
    .load(&mut **tx)
    .await?;
    into_pushes(rows)
}

/// What is owed of these records by integrations that are switched on and take changes at once, and does not wait.
///
/// What the others are owed waits for their run.
///
/// # Errors
/// When the database does not answer.
pub async fn owed_of(
    tx: &mut Transaction,
    tenant: TenantId,
    records: &[RecordId],
) -> Result<Vec<RecordPush>, PersistenceError> {
    Ok(owed_by_record(tx, tenant, records).await?.into_iter().map(|(_, push)| push).collect())
}

#[derive(QueryableByName)]
struct OwedRow {
    #[diesel(sql_type = Text)]
    record_id: String,
    #[diesel(embed)]
    push: PushRow,
}

/// The same, each beside the record that it is owed of.
///
/// # Errors
/// When the database does not answer.
pub async fn owed_by_record(
    tx: &mut Transaction,
    tenant: TenantId,
    records: &[RecordId],
) -> Result<Vec<(RecordId, RecordPush)>, PersistenceError> {
    // The tenant's own integrations, of which there are a few: PostgreSQL begins with them, and would otherwise begin with everybody's.
    let rows: Vec<OwedRow> = sql_query(
        "SELECT link.record_id, link.id, link.tenant_id, link.integration_id
         FROM record_links AS link JOIN tenant_integrations AS integration ON integration.id = link.integration_id
         WHERE integration.tenant_id = $1
           AND link.tenant_id = $1 AND link.record_id = ANY($2) AND link.owed::int = 1 AND link.waits_for IS NULL
           AND (link.not_before IS NULL OR link.not_before <= now())
           AND integration.enabled AND integration.deleted_at IS NULL AND integration.frequency = 'realtime'
           AND integration.platform <> 'coccinelle'
         ORDER BY link.id",
    )
    .bind::<Text, _>(tenant.to_string())
    .bind::<Array<Text>, _>(records.iter().map(ToString::to_string).collect::<Vec<_>>())
    .load(&mut **tx)
    .await?;
    rows.into_iter().map(|row| Ok((parse("record_id", &row.record_id)?, row.push.into_push()?))).collect()
}
