//! Failures one by one: links that are blocked, which of them are meant, and what decides about each.

use chrono::{DateTime, Utc};
use diesel::sql_types::{BigInt, Jsonb, Nullable, Text, Timestamptz};
use diesel::{QueryableByName, sql_query};
use diesel_async::RunQueryDsl;
use domain::field::RemoteFields;
use domain::id::{IntegrationId, LinkId, RecordId, TenantId};
use domain::kind::RecordKind;
use domain::record::Fields;
use domain::time::Timestamp;

use crate::row::Count;
use crate::text::{Json, from_json, parse, parse_optional, storable};
use crate::{PersistenceError, Transaction};

/// Which failures of an integration; all where nothing is said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Only that of this link.
    pub link: Option<LinkId>,
    /// Only those that failed like this.
    pub fingerprint: Option<String>,
    /// Only those that failed from then on.
    pub since: Option<Timestamp>,
    /// Only those that failed before then.
    pub until: Option<Timestamp>,
}

/// What a [`Selection`] means in SQL: `$1` to `$6`.
pub(in crate::records) const SELECTED: &str = "tenant_id = $1 AND integration_id = $2 AND blocked_at IS NOT NULL
    AND ($3::text IS NULL OR id = $3) AND ($4::text IS NULL OR fingerprint = $4)
    AND ($5::timestamptz IS NULL OR failed_at >= $5) AND ($6::timestamptz IS NULL OR failed_at < $6)";

type Query = diesel::query_builder::BoxedSqlQuery<'static, diesel::pg::Pg, diesel::query_builder::SqlQuery>;

/// A statement about the failures that are selected.
pub(in crate::records) fn about(
    (tenant, integration): (TenantId, IntegrationId),
    selection: &Selection,
    statement: String,
) -> Query {
    sql_query(statement)
        .into_boxed()
        .bind::<Text, _>(tenant.to_string())
        .bind::<Text, _>(integration.to_string())
        .bind::<Nullable<Text>, _>(selection.link.map(|link| link.to_string()))
        .bind::<Nullable<Text>, _>(selection.fingerprint.as_deref().map(storable))
        .bind::<Nullable<Timestamptz>, _>(selection.since.map(DateTime::<Utc>::from))
        .bind::<Nullable<Timestamptz>, _>(selection.until.map(DateTime::<Utc>::from))
}

/// How many failures of an integration are selected.
///
/// # Errors
/// When the database does not answer.
pub async fn count_failures(
    tx: &mut Transaction,
    whose: (TenantId, IntegrationId),
    selection: &Selection,
) -> Result<i64, PersistenceError> {
    let statement = format!("SELECT count(*) AS count FROM record_links WHERE {SELECTED}");
    let Count { count } = about(whose, selection, statement).get_result(&mut **tx).await?;
    Ok(count)
}

/// A link that a failure blocks.
#[derive(Clone, Debug)]
pub struct FailedLink {
    /// The link.
    pub link: LinkId,
    /// Its record; `None` where the remote object was not tied to one yet.
    pub record: Option<RecordId>,
    /// What the record is.
    pub kind: RecordKind,
    /// The platform's id of the object, where known.
    pub external_id: Option<String>,
    /// What the failure says of this one.
    pub message: String,
    /// When it failed.
    pub failed_at: Timestamp,
}

#[derive(QueryableByName)]
struct FailedRow {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Nullable<Text>)]
    record_id: Option<String>,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Nullable<Text>)]
    external_id: Option<String>,
    #[diesel(sql_type = Text)]
    message: String,
    #[diesel(sql_type = Timestamptz)]
    failed_at: DateTime<Utc>,
}

impl FailedRow {
    fn into_link(self) -> Result<FailedLink, PersistenceError> {
        Ok(FailedLink {
            link: parse("id", &self.id)?,
            record: parse_optional("record_id", self.record_id.as_deref())?,
            kind: parse("kind", &self.kind)?,
            external_id: self.external_id,
            message: self.message,
            failed_at: self.failed_at.into(),
        })
    }
}

/// The links of an integration that failures block, in the order of their ids; those behind `after`.
///
/// # Errors
/// When the database does not answer.
pub async fn failed_links(
    tx: &mut Transaction,
    whose: (TenantId, IntegrationId),
    selection: &Selection,
    (after, limit): (Option<LinkId>, u32),
) -> Result<Vec<FailedLink>, PersistenceError> {
    let statement = format!(
        "SELECT id, record_id, kind, external_id, coalesce(error_message, '') AS message,
                coalesce(failed_at, blocked_at) AS failed_at
         FROM record_links WHERE {SELECTED} AND ($7::text IS NULL OR id > $7) ORDER BY id LIMIT $8"
    );
    let rows: Vec<FailedRow> = about(whose, selection, statement)
        .bind::<Nullable<Text>, _>(after.map(|link| link.to_string()))
        .bind::<BigInt, _>(i64::from(limit))
        .load(&mut **tx)
        .await?;
    rows.into_iter().map(FailedRow::into_link).collect()
}

/// A link that a failure blocks, with all that decides what would be written for it.
#[derive(Clone, Debug)]
pub struct FailedState {
    /// The link.
    pub link: LinkId,
    /// What the record is.
    pub kind: RecordKind,
    /// The platform's id of the object; `None` before the first contact, and where the object is gone.
    pub external_id: Option<String>,
    /// What we last wrote.
    pub sent: RemoteFields,
    /// The record and its fields as they are now; `None` where the remote object was not tied to one yet.
    pub record: Option<(RecordId, Fields)>,
}

#[derive(QueryableByName)]
struct StateRow {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Nullable<Text>)]
    external_id: Option<String>,
    #[diesel(sql_type = Jsonb)]
    sent: Json,
    #[diesel(sql_type = Nullable<Text>)]
    record_id: Option<String>,
    #[diesel(sql_type = Nullable<Jsonb>)]
    fields: Option<Json>,
}

impl StateRow {
    fn into_state(self) -> Result<FailedState, PersistenceError> {
        let record = parse_optional("record_id", self.record_id.as_deref())?;
        let fields = self.fields.map(|fields| from_json("fields", fields)).transpose()?;
        Ok(FailedState {
            link: parse("id", &self.id)?,
            kind: parse("kind", &self.kind)?,
            external_id: self.external_id,
            sent: from_json("sent", self.sent)?,
            record: record.zip(fields),
        })
    }
}

/// The links of an integration that failures block and what decides about them, in the order of their ids; those behind `after`.
///
/// # Errors
/// When the database does not answer.
pub async fn failed_states(
    tx: &mut Transaction,
    whose: (TenantId, IntegrationId),
    selection: &Selection,
    (after, limit): (Option<LinkId>, u32),
) -> Result<Vec<FailedState>, PersistenceError> {
    let statement = format!(
        "SELECT failed.id, failed.kind, failed.external_id, failed.sent, record.id AS record_id, record.fields FROM (
             SELECT id, kind, CASE WHEN NOT gone THEN external_id END AS external_id, sent, record_id FROM record_links
             WHERE {SELECTED} AND ($7::text IS NULL OR id > $7) ORDER BY id LIMIT $8
         ) AS failed LEFT JOIN records AS record ON record.id = failed.record_id ORDER BY failed.id"
    );
    let rows: Vec<StateRow> = about(whose, selection, statement)
        .bind::<Nullable<Text>, _>(after.map(|link| link.to_string()))
        .bind::<BigInt, _>(i64::from(limit))
        .load(&mut **tx)
        .await?;
    rows.into_iter().map(StateRow::into_state).collect()
}
