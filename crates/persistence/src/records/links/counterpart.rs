//! Which objects there stand for which records, and what is known of them. Nothing is changed here.

use std::collections::{BTreeMap, BTreeSet};

use diesel::QueryableByName;
use diesel::sql_types::{Bool, Jsonb, Nullable, Text};
use diesel_async::RunQueryDsl;
use domain::field::RemoteFields;
use domain::id::{IntegrationId, RecordId, TenantId};
use domain::kind::RecordKind;
use domain::message::RecordPush;
use domain::platform::PlatformSlug;

use super::PushRow;
use super::named::{self, OF_OBJECTS, OF_RECORDS};
use crate::statement::sql_query;
use crate::text::{Json, from_json, parse};
use crate::{PersistenceError, Transaction};

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

const COLUMNS: &str = "id, tenant_id, integration_id, record_id, external_id, gone, owed";

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
    let statement = format!("SELECT {COLUMNS} FROM {OF_RECORDS}");
    let rows: Vec<Row> = named::of_records(statement, integration, records).load(&mut **tx).await?;
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
    let statement = format!("SELECT {COLUMNS} FROM {OF_OBJECTS}");
    let external_ids = external_ids.iter().cloned().collect();
    let rows: Vec<Row> = named::of_objects(statement, (integration, kind), external_ids).load(&mut **tx).await?;
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
        seen: Json,
    }
    let statement =
        format!("SELECT external_id, seen FROM {OF_OBJECTS} WHERE coalesce(record_id, '') <> '' AND NOT gone");
    let external_ids = external_ids.iter().map(|id| (*id).to_owned()).collect();
    let rows: Vec<Shown> = named::of_objects(statement, (integration, kind), external_ids).load(&mut **tx).await?;
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
    let are_refused = "coalesce(record_id, '') = '' AND (blocked_at IS NOT NULL)::int = 1";
    objects(tx, are_refused, (integration, kind, external_ids)).await
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
    objects(tx, "remote_dirty OR lease_token IS NOT NULL", (integration, kind, external_ids)).await
}

/// Those of these objects whose links are so.
async fn objects(
    tx: &mut Transaction,
    are_so: &'static str,
    (integration, kind, external_ids): (IntegrationId, RecordKind, &[&str]),
) -> Result<BTreeSet<String>, PersistenceError> {
    #[derive(QueryableByName)]
    struct Found {
        #[diesel(sql_type = Text)]
        external_id: String,
    }
    let statement = format!("SELECT external_id FROM {OF_OBJECTS} WHERE {are_so}");
    let external_ids = external_ids.iter().map(|id| (*id).to_owned()).collect();
    let rows: Vec<Found> = named::of_objects(statement, (integration, kind), external_ids).load(&mut **tx).await?;
    Ok(rows.into_iter().map(|row| row.external_id).collect())
}

/// An object that stands for a record.
#[derive(Clone, Debug)]
pub struct Counterparts {
    /// Where: the integration's platform.
    pub platform: PlatformSlug,
    /// The platform's id of it; `None` where there is none, or none any more.
    pub external_id: Option<String>,
}

/// What stands for a record in the tenant's live integrations.
///
/// # Errors
/// When the database does not answer.
pub async fn counterparts(
    tx: &mut Transaction,
    tenant: TenantId,
    record: RecordId,
) -> Result<BTreeMap<IntegrationId, Counterparts>, PersistenceError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        id: String,
        #[diesel(sql_type = Text)]
        platform: String,
        #[diesel(sql_type = Nullable<Text>)]
        external_id: Option<String>,
    }
    let rows: Vec<Row> = sql_query(
        "SELECT integration.id, integration.platform, CASE WHEN NOT link.gone THEN link.external_id END AS external_id
         FROM tenant_integrations AS integration
         LEFT JOIN record_links AS link ON link.integration_id = integration.id AND link.record_id = $2
         WHERE integration.tenant_id = $1 AND integration.deleted_at IS NULL AND integration.platform <> 'coccinelle'",
    )
    .bind::<Text, _>(tenant.to_string())
    .bind::<Text, _>(record.to_string())
    .load(&mut **tx)
    .await?;
    let read = |row: Row| {
        let (platform, external_id) = (parse("platform", &row.platform)?, row.external_id);
        Ok((parse("id", &row.id)?, Counterparts { platform, external_id }))
    };
    rows.into_iter().map(read).collect()
}
