//! What was heard of changes there: the links of those objects are to read them. Nothing is read here.

use std::collections::{BTreeMap, BTreeSet};

use diesel::QueryableByName;
use diesel::sql_types::{Array, Text};
use diesel_async::RunQueryDsl;
use domain::id::{IntegrationId, LinkId, TenantId};
use domain::kind::RecordKind;
use domain::message::RecordPush;

use super::named::{self, OF_OBJECTS};
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

/// What came of hearing of objects.
#[derive(Clone, Debug, Default)]
pub struct Marked {
    /// Those that a link named before.
    pub known: BTreeSet<String>,
    /// The links that are marked, by their objects.
    pub pushes: BTreeMap<String, RecordPush>,
}

/// Marks objects as changed there. One that no link names yet gets a link, and its record when it is read.
///
/// # Errors
/// When the database does not answer.
pub async fn mark_dirty(tx: &mut Transaction, heard: &Heard) -> Result<Vec<RecordPush>, PersistenceError> {
    Ok(mark_heard(tx, heard, &heard.external_ids).await?.pushes.into_values().collect())
}

/// Marks objects as changed there where a link names them, and leaves the others alone: for what is said to be deleted.
///
/// # Errors
/// When the database does not answer.
pub async fn mark_known_dirty(tx: &mut Transaction, heard: &Heard) -> Result<Vec<RecordPush>, PersistenceError> {
    Ok(mark_heard(tx, heard, &BTreeSet::new()).await?.pushes.into_values().collect())
}

/// Marks those of the objects that changed, as [`mark_dirty`] does, and the others as [`mark_known_dirty`] does.
///
/// # Errors
/// When the database does not answer.
pub async fn mark_heard(
    tx: &mut Transaction,
    heard: &Heard,
    changed: &BTreeSet<String>,
) -> Result<Marked, PersistenceError> {
    if heard.external_ids.is_empty() {
        return Ok(Marked::default());
    }
    let known = lock(tx, heard).await?;
    let marked = heard.external_ids.iter().filter(|id| changed.contains(*id) || known.contains(*id)).collect();
    Ok(Marked { pushes: mark(tx, heard, marked).await?, known })
}

/// Locks the links that are there in the order of their ids, as everybody does who locks several; the objects that they name.
async fn lock(tx: &mut Transaction, heard: &Heard) -> Result<BTreeSet<String>, PersistenceError> {
    #[derive(QueryableByName)]
    struct Named {
        #[diesel(sql_type = Text)]
        external_id: String,
    }
    let statement =
        format!("SELECT external_id FROM {OF_OBJECTS} WHERE link.tenant_id = $4 ORDER BY link.id FOR UPDATE OF link");
    let external_ids = heard.external_ids.iter().cloned().collect();
    let rows: Vec<Named> = named::of_objects(statement, (heard.integration, heard.kind), external_ids)
        .bind::<Text, _>(heard.tenant.to_string())
        .load(&mut **tx)
        .await?;
    Ok(rows.into_iter().map(|row| row.external_id).collect())
}

/// Marks the links of objects, making those that are missing.
async fn mark(
    tx: &mut Transaction,
    heard: &Heard,
    external_ids: Vec<&String>,
) -> Result<BTreeMap<String, RecordPush>, PersistenceError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(embed)]
        push: PushRow,
        #[diesel(sql_type = Text)]
        external_id: String,
    }
    if external_ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rows: Vec<Row> = sql_query(
        "INSERT INTO record_links (tenant_id, integration_id, kind, id, external_id, remote_seq, owed_since, announced_at)
         SELECT $1, $2, $3, new.id, new.external_id, 1, now(), now() FROM unnest($4, $5) AS new (id, external_id)
         ON CONFLICT (integration_id, kind, external_id) DO UPDATE SET
             remote_seq = record_links.remote_seq + 1, blocked_at = NULL, attempts = 0,
             not_before = NULL, waits_for = NULL,
             owed_since = coalesce(record_links.owed_since, now()), announced_at = now()
         RETURNING id, tenant_id, integration_id, external_id",
    )
    .bind::<Text, _>(heard.tenant.to_string())
    .bind::<Text, _>(heard.integration.to_string())
    .bind::<Text, _>(heard.kind.as_str())
    .bind::<Array<Text>, _>(external_ids.iter().map(|_| LinkId::new().to_string()).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(external_ids)
    .load(&mut **tx)
    .await?;
    rows.into_iter().map(|row| Ok((row.external_id, row.push.into_push()?))).collect()
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
    // In words that no index knows, as `named` explains.
    sql_query(
        "DELETE FROM record_links WHERE id IN (
             SELECT id FROM record_links WHERE id = ANY($1) AND coalesce(record_id, '') = '' ORDER BY id FOR UPDATE)",
    )
    .bind::<Array<Text>, _>(links.iter().map(ToString::to_string).collect::<Vec<_>>())
    .execute(&mut **tx)
    .await?;
    Ok(())
}
