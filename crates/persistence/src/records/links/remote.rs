//! What was heard of changes there, and which link an object there belongs to.

use std::collections::{BTreeMap, BTreeSet};

use diesel::QueryableByName;
use diesel::sql_types::{Array, Bool, Jsonb, Nullable, Text};
use diesel_async::RunQueryDsl;
use domain::field::RemoteFields;
use domain::id::{IntegrationId, LinkId, RecordId, TenantId};
use domain::kind::RecordKind;
use domain::message::RecordPush;
use serde_json::Value;

use super::{PushRow, into_pushes};
use crate::statement::sql_query;
use crate::text::{from_json, parse};
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

/// A link, its record and the object there that it stands for.
#[derive(Clone, Debug)]
pub struct Counterpart {
    /// The link's name on the broker.
    pub push: RecordPush,
    /// The record; `None` while the object has not been read.
    pub record: Option<RecordId>,
    /// The object; `None` before the first contact.
    pub external_id: Option<String>,
    /// Whether it is deleted there.
    pub gone: bool,
    /// Whether it is out of step and may be worked on.
    pub is_owed: bool,
}

impl Counterpart {
    /// Whether an object is still to come of it. Of one that is in step without one nothing goes there, and one that is blocked
    /// waits for a person.
    #[must_use]
    pub fn is_awaited(&self) -> bool {
        self.external_id.is_none() && !self.gone && self.is_owed
    }
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(embed)]
    push: PushRow,
    #[diesel(sql_type = Nullable<Text>)]
    record_id: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    external_id: Option<String>,
    #[diesel(sql_type = Bool)]
    gone: bool,
    #[diesel(sql_type = Bool)]
    owed: bool,
}

impl Row {
    fn into_counterpart(self) -> Result<Counterpart, PersistenceError> {
        Ok(Counterpart {
            push: self.push.into_push()?,
            record: self.record_id.as_deref().map(|id| parse("record_id", id)).transpose()?,
            external_id: self.external_id,
            gone: self.gone,
            is_owed: self.owed,
        })
    }
}

/// The links that some records have in an integration.
///
/// # Errors
/// When the database does not answer.
pub async fn by_record(
    tx: &mut Transaction,
    integration: IntegrationId,
    records: &BTreeSet<RecordId>,
) -> Result<BTreeMap<RecordId, Counterpart>, PersistenceError> {
    let rows: Vec<Row> = sql_query(
        "SELECT id, tenant_id, integration_id, record_id, external_id, gone, owed FROM record_links
         WHERE integration_id = $1 AND record_id = ANY($2)",
    )
    .bind::<Text, _>(integration.to_string())
    .bind::<Array<Text>, _>(records.iter().map(ToString::to_string).collect::<Vec<_>>())
    .load(&mut **tx)
    .await?;
    let counterparts = rows.into_iter().map(Row::into_counterpart);
    counterparts.filter_map(|found| found.map(|found| Some((found.record?, found))).transpose()).collect()
}

/// The links that stand for some objects of an integration.
///
/// # Errors
/// When the database does not answer.
pub async fn by_external_id(
    tx: &mut Transaction,
    integration: IntegrationId,
    kind: RecordKind,
    external_ids: &BTreeSet<String>,
) -> Result<BTreeMap<String, Counterpart>, PersistenceError> {
    let rows: Vec<Row> = sql_query(
        "SELECT id, tenant_id, integration_id, record_id, external_id, gone, owed FROM record_links
         WHERE integration_id = $1 AND kind = $2 AND external_id = ANY($3)",
    )
    .bind::<Text, _>(integration.to_string())
    .bind::<Text, _>(kind.as_str())
    .bind::<Array<Text>, _>(external_ids.iter().collect::<Vec<_>>())
    .load(&mut **tx)
    .await?;
    let counterparts = rows.into_iter().map(Row::into_counterpart);
    counterparts.filter_map(|found| found.map(|found| Some((found.external_id.clone()?, found))).transpose()).collect()
}

/// What was last seen of those objects of an integration that a record stands for and that were not deleted.
///
/// # Errors
/// When the database does not answer.
pub async fn seen_of(
    tx: &mut Transaction,
    integration: IntegrationId,
    kind: RecordKind,
    external_ids: &[&str],
) -> Result<BTreeMap<String, RemoteFields>, PersistenceError> {
    #[derive(QueryableByName)]
    struct Shown {
        #[diesel(sql_type = Text)]
        external_id: String,
        #[diesel(sql_type = Jsonb)]
        seen: Value,
    }
    let rows: Vec<Shown> = sql_query(
        "SELECT external_id, seen FROM record_links
         WHERE integration_id = $1 AND kind = $2 AND external_id = ANY($3) AND record_id IS NOT NULL AND NOT gone",
    )
    .bind::<Text, _>(integration.to_string())
    .bind::<Text, _>(kind.as_str())
    .bind::<Array<Text>, _>(external_ids)
    .load(&mut **tx)
    .await?;
    rows.into_iter().map(|row| Ok((row.external_id, from_json("seen", row.seen)?))).collect()
}

/// Those of these objects that were read and that no record may stand for: a failure says why, where the tenant sees it.
///
/// # Errors
/// When the database does not answer.
pub async fn refused_of(
    tx: &mut Transaction,
    integration: IntegrationId,
    kind: RecordKind,
    external_ids: &[&str],
) -> Result<BTreeSet<String>, PersistenceError> {
    let statement = "SELECT external_id FROM record_links
         WHERE integration_id = $1 AND kind = $2 AND external_id = ANY($3) AND record_id IS NULL AND blocked_at IS NOT NULL";
    objects(tx, statement, (integration, kind, external_ids)).await
}

/// Those of these objects that were heard of and not yet read, or on which somebody works.
///
/// # Errors
/// When the database does not answer.
pub async fn under_way_of(
    tx: &mut Transaction,
    integration: IntegrationId,
    kind: RecordKind,
    external_ids: &[&str],
) -> Result<BTreeSet<String>, PersistenceError> {
    let statement =
        "SELECT external_id FROM record_links WHERE integration_id = $1 AND kind = $2 AND external_id = ANY($3)
           AND (remote_dirty OR lease_token IS NOT NULL)";
    objects(tx, statement, (integration, kind, external_ids)).await
}

/// Those of these objects that a statement finds.
async fn objects(
    tx: &mut Transaction,
    statement: &'static str,
    (integration, kind, external_ids): (IntegrationId, RecordKind, &[&str]),
) -> Result<BTreeSet<String>, PersistenceError> {
    #[derive(QueryableByName)]
    struct Found {
        #[diesel(sql_type = Text)]
        external_id: String,
    }
    let rows: Vec<Found> = sql_query(statement)
        .bind::<Text, _>(integration.to_string())
        .bind::<Text, _>(kind.as_str())
        .bind::<Array<Text>, _>(external_ids)
        .load(&mut **tx)
        .await?;
    Ok(rows.into_iter().map(|row| row.external_id).collect())
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
