//! What was heard of changes there: the links of those objects are to read them. Nothing is read here.

use std::collections::BTreeSet;

use diesel::sql_types::{Array, Text};
use diesel_async::RunQueryDsl;
use domain::id::{IntegrationId, LinkId, TenantId};
use domain::kind::RecordKind;
use domain::message::RecordPush;

use super::{PushRow, into_pushes};
use crate::statement::sql_query;
use crate::{PersistenceError, Transaction};

/// Objects of one kind in one integration, by their external ids.
#[derive(Clone, Debug)]
pub struct Heard {
    /// Whose.
    pub tenant: TenantId,
    /// In which integration.
    pub integration: IntegrationId,
    /// Of which kind.
    pub kind: RecordKind,
    /// Which.
    pub external_ids: BTreeSet<String>,
}

/// Marks objects as changed there. One that no link names yet gets a link, and its record when it is read.
///
/// # Errors
/// When the database does not answer.
pub async fn mark_dirty(tx: &mut Transaction, heard: &Heard) -> Result<Vec<RecordPush>, PersistenceError> {
    lock_heard(tx, heard).await?;
    let rows: Vec<PushRow> = sql_query(
        "INSERT INTO record_links (tenant_id, integration_id, kind, id, external_id, remote_seq, owed_since, announced_at)
         SELECT $1, $2, $3, new.id, new.external_id, 1, now(), now() FROM unnest($4, $5) AS new (id, external_id)
         ON CONFLICT (integration_id, kind, external_id) DO UPDATE SET
             remote_seq = record_links.remote_seq + 1, blocked_at = NULL, attempts = 0,
             not_before = NULL, waits_for = NULL,
             owed_since = coalesce(record_links.owed_since, now()), announced_at = now()
         RETURNING id, tenant_id, integration_id",
    )
    .bind::<Text, _>(heard.tenant.to_string())
    .bind::<Text, _>(heard.integration.to_string())
    .bind::<Text, _>(heard.kind.as_str())
    .bind::<Array<Text>, _>(heard.external_ids.iter().map(|_| LinkId::new().to_string()).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(heard.external_ids.iter().collect::<Vec<_>>())
    .load(&mut **tx)
    .await?;
    into_pushes(rows)
}

/// Locks the links that are there in the order of their ids, as everybody does who locks several.
async fn lock_heard(tx: &mut Transaction, heard: &Heard) -> Result<(), PersistenceError> {
    sql_query(
        "SELECT FROM record_links WHERE tenant_id = $1 AND integration_id = $2 AND kind = $3 AND external_id = ANY($4)
         ORDER BY id FOR UPDATE",
    )
    .bind::<Text, _>(heard.tenant.to_string())
    .bind::<Text, _>(heard.integration.to_string())
    .bind::<Text, _>(heard.kind.as_str())
    .bind::<Array<Text>, _>(heard.external_ids.iter().collect::<Vec<_>>())
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Marks objects as changed there where a link names them, and leaves the others alone: for what is said to be deleted.
///
/// # Errors
/// When the database does not answer.
pub async fn mark_known_dirty(tx: &mut Transaction, heard: &Heard) -> Result<Vec<RecordPush>, PersistenceError> {
    lock_heard(tx, heard).await?;
    let rows: Vec<PushRow> = sql_query(
        "UPDATE record_links SET remote_seq = remote_seq + 1, blocked_at = NULL, attempts = 0,
             not_before = NULL, waits_for = NULL,
             owed_since = coalesce(owed_since, now()), announced_at = now()
         WHERE tenant_id = $1 AND integration_id = $2 AND kind = $3 AND external_id = ANY($4)
         RETURNING id, tenant_id, integration_id",
    )
    .bind::<Text, _>(heard.tenant.to_string())
    .bind::<Text, _>(heard.integration.to_string())
    .bind::<Text, _>(heard.kind.as_str())
    .bind::<Array<Text>, _>(heard.external_ids.iter().collect::<Vec<_>>())
    .load(&mut **tx)
    .await?;
    into_pushes(rows)
}

/// Marks links that have not found their objects yet, of which something was heard: they look once more, blocked ones among them.
///
/// # Errors
/// When the database does not answer.
pub async fn mark_unfound_dirty(tx: &mut Transaction, links: &[LinkId]) -> Result<Vec<RecordPush>, PersistenceError> {
    if links.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<PushRow> = sql_query(
        "UPDATE record_links SET remote_seq = remote_seq + 1, blocked_at = NULL, attempts = 0,
             not_before = NULL, waits_for = NULL,
             owed_since = coalesce(owed_since, now()), announced_at = now()
         WHERE id IN (SELECT id FROM record_links WHERE id = ANY($1) AND external_id IS NULL ORDER BY id FOR UPDATE)
         RETURNING id, tenant_id, integration_id",
    )
    .bind::<Array<Text>, _>(links.iter().map(ToString::to_string).collect::<Vec<_>>())
    .load(&mut **tx)
    .await?;
    into_pushes(rows)
}

/// Drops links that only say "this object was heard of", where another link turns out to stand for the object.
///
/// # Errors
/// When the database does not answer.
pub async fn drop_unread(tx: &mut Transaction, links: &[LinkId]) -> Result<(), PersistenceError> {
    if links.is_empty() {
        return Ok(());
    }
    sql_query("DELETE FROM record_links WHERE id = ANY($1) AND record_id IS NULL")
        .bind::<Array<Text>, _>(links.iter().map(ToString::to_string).collect::<Vec<_>>())
        .execute(&mut **tx)
        .await?;
    Ok(())
}
