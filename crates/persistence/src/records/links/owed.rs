//! Walking over what an integration owes: for runs, which announce it page by page.

use chrono::{DateTime, Utc};
use diesel::sql_types::{BigInt, Bool, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use domain::id::{IntegrationId, LinkId, TenantId};
use domain::kind::RecordKind;
use domain::message::RecordPush;
use domain::time::Timestamp;

use super::{PushRow, into_pushes};
use crate::statement::sql_query;
use crate::{PersistenceError, Transaction};

/// Where a walk over what an integration owes stands.
#[derive(Clone, Copy, Debug)]
pub struct OwedPage {
    /// Of which kind.
    pub kind: RecordKind,
    /// Only what was heard of there and has to be read.
    pub dirty_only: bool,
    /// What was heard of since then was announced as it was heard of.
    pub since: Timestamp,
    /// Behind which link.
    pub after: Option<LinkId>,
    /// How many at most.
    pub limit: i64,
}

/// Names a page of what an integration owes and could be worked on now, in the order of the ids; it counts as announced.
///
/// # Errors
/// When the database does not answer.
pub async fn owed_page(
    tx: &mut Transaction,
    (tenant, integration): (TenantId, IntegrationId),
    page: OwedPage,
) -> Result<Vec<RecordPush>, PersistenceError> {
    let rows: Vec<PushRow> = sql_query(
        "WITH next AS (
             SELECT id FROM record_links
             WHERE tenant_id = $1 AND integration_id = $2 AND kind = $3 AND owed AND (remote_dirty OR NOT $4)
               AND waits_for IS NULL AND (not_before IS NULL OR not_before <= now()) AND id > $5
               AND NOT (remote_dirty AND announced_at >= $7)
             ORDER BY id LIMIT $6 FOR UPDATE
         ), announced AS (
             UPDATE record_links AS link SET announced_at = now() FROM next WHERE link.id = next.id
             RETURNING link.id, link.tenant_id, link.integration_id
         )
         SELECT id, tenant_id, integration_id FROM announced ORDER BY id",
    )
    .bind::<Text, _>(tenant.to_string())
    .bind::<Text, _>(integration.to_string())
    .bind::<Text, _>(page.kind.as_str())
    .bind::<Bool, _>(page.dirty_only)
    .bind::<Text, _>(page.after.map(|id| id.to_string()).unwrap_or_default())
    .bind::<BigInt, _>(page.limit)
    .bind::<Timestamptz, _>(DateTime::<Utc>::from(page.since))
    .load(&mut **tx)
    .await?;
    into_pushes(rows)
}
