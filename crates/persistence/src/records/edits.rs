//! The table `record_edits`: values that somebody gave records that failed, on their way there. Which may be given is the gateway's
//! to say, and that the records hold them the dispatcher's.

use std::collections::BTreeMap;
use std::time::Duration;

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Double, Jsonb, Text};
use diesel_async::RunQueryDsl;
use domain::field::{FieldName, FieldValue};
use domain::id::{IntegrationId, LinkId, RecordId, TenantId};
use domain::kind::RecordKind;
use domain::time::Timestamp;

use super::links::{SELECTED, Selection, about};
use crate::row::WaitingId;
use crate::statement::{in_turns, sql_query};
use crate::text::{Json, from_json, parse, to_json};
use crate::{PersistenceError, Transaction};

/// Values of our fields.
pub type Values = BTreeMap<FieldName, FieldValue>;

/// What somebody wants records that failed to hold.
#[derive(Clone, Copy, Debug)]
pub struct Wish<'a> {
    /// Which failures.
    pub selection: &'a Selection,
    /// Of these, the records of this kind.
    pub kind: RecordKind,
    /// What they are to hold.
    pub values: &'a Values,
    /// Who wants it, as their token calls them.
    pub asked_by: &'a str,
}

/// What a record that failed is to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// The integration that it failed in.
    pub integration: IntegrationId,
    /// The record.
    pub record: RecordId,
    /// What it is to hold.
    pub values: Values,
}

/// The kinds of the records that failed in an integration, of those failures that are selected.
///
/// # Errors
/// When the database does not answer.
pub async fn kinds(
    tx: &mut Transaction,
    whose: (TenantId, IntegrationId),
    selection: &Selection,
) -> Result<Vec<RecordKind>, PersistenceError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        kind: String,
    }
    let statement =
        format!("SELECT DISTINCT kind FROM record_links WHERE {SELECTED} AND record_id IS NOT NULL ORDER BY kind");
    let rows: Vec<Row> = about(whose, selection, statement).load(&mut **tx).await?;
    rows.iter().map(|row| parse("kind", &row.kind)).collect()
}

/// Notes what records that failed are to hold, and names their links. What one of them is to hold already stays beside it.
///
/// The caller keeps the records from being joined or erased meanwhile.
///
/// # Errors
/// When the database does not answer.
pub async fn ask(
    tx: &mut Transaction,
    whose: (TenantId, IntegrationId),
    wish: Wish<'_>,
) -> Result<Vec<LinkId>, PersistenceError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        link_id: String,
    }
    let statement = format!(
        "INSERT INTO record_edits (link_id, tenant_id, integration_id, record_id, fields, asked_by)
         SELECT id, tenant_id, integration_id, record_id, $7, $8 FROM record_links
         WHERE {SELECTED} AND record_id IS NOT NULL AND kind = $9
         -- As everybody locks records.
         ORDER BY record_id
         ON CONFLICT (link_id) DO UPDATE SET
             fields = record_edits.fields || excluded.fields, asked_by = excluded.asked_by, asked_at = now()
         RETURNING link_id"
    );
    let rows: Vec<Row> = about(whose, wish.selection, statement)
        .bind::<Jsonb, _>(to_json(wish.values)?)
        .bind::<Text, _>(wish.asked_by.to_owned())
        .bind::<Text, _>(wish.kind.to_string())
        .load(&mut **tx)
        .await?;
    rows.iter().map(|row| parse("link_id", &row.link_id)).collect()
}

/// Takes what the record of a link is to hold; `None` where there is nothing, or it holds it already.
///
/// # Errors
/// When the database does not answer.
pub async fn take(tx: &mut Transaction, tenant: TenantId, link: LinkId) -> Result<Option<Edit>, PersistenceError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        integration_id: String,
        #[diesel(sql_type = Text)]
        record_id: String,
        #[diesel(sql_type = Jsonb)]
        fields: Json,
    }
    let rows: Vec<Row> = sql_query(
        "DELETE FROM record_edits WHERE tenant_id = $1 AND link_id = $2 RETURNING integration_id, record_id, fields",
    )
    .bind::<Text, _>(tenant.to_string())
    .bind::<Text, _>(link.to_string())
    .load(&mut **tx)
    .await?;
    let Some(row) = rows.into_iter().next() else { return Ok(None) };
    Ok(Some(Edit {
        integration: parse("integration_id", &row.integration_id)?,
        record: parse("record_id", &row.record_id)?,
        values: from_json("fields", row.fields)?,
    }))
}

/// What was asked for `age` ago or longer and is still on its way, by its link, and when; tenants take turns, and what was asked for
/// first comes first.
///
/// # Errors
/// When the database does not answer.
pub async fn unapplied(
    tx: &mut Transaction,
    age: Duration,
    limit: i64,
) -> Result<Vec<(Timestamp, TenantId, LinkId)>, PersistenceError> {
    let rows: Vec<WaitingId> = sql_query(in_turns(
        "tenant_id, id",
        "asked_at",
        "(SELECT tenant_id, link_id AS id, asked_at FROM record_edits) AS edit
         WHERE asked_at < now() - make_interval(secs => $1)",
    ))
    .bind::<Double, _>(age.as_secs_f64())
    .bind::<BigInt, _>(limit)
    .load(&mut **tx)
    .await?;
    rows.into_iter().map(WaitingId::into_ids).collect()
}
