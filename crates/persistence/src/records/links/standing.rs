//! What links remember of the objects that they stand for, read for whoever considers another mapping. Nothing is locked.

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Bool, Jsonb, Nullable, Text};
use diesel_async::RunQueryDsl;
use domain::field::RemoteFields;
use domain::id::{IntegrationId, RecordId, TenantId};
use domain::kind::RecordKind;
use domain::record::Fields;

use crate::statement::sql_query;
use crate::text::{Json, from_json, parse_optional, storable};
use crate::{PersistenceError, Transaction};

/// By what a link is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Named {
    /// By its record.
    Record(RecordId),
    /// By the platform's id of the object.
    Object(String),
}

/// What a link remembers.
#[derive(Clone, Debug)]
pub struct Standing {
    /// Its record; `None` while the object has not been read.
    pub record: Option<RecordId>,
    /// The platform's id of the object; `None` before the first contact, and where the object is gone.
    pub external_id: Option<String>,
    /// What the platform last showed.
    pub seen: RemoteFields,
}

/// The link of a record or an object.
///
/// # Errors
/// When the database does not answer.
pub async fn standing(
    tx: &mut Transaction,
    (tenant, integration): (TenantId, IntegrationId),
    kind: RecordKind,
    named: &Named,
) -> Result<Option<Standing>, PersistenceError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Nullable<Text>)]
        record_id: Option<String>,
        #[diesel(sql_type = Nullable<Text>)]
        external_id: Option<String>,
        #[diesel(sql_type = Bool)]
        gone: bool,
        #[diesel(sql_type = Jsonb)]
        seen: Json,
    }
    let (record, object) = match named {
        Named::Record(record) => (Some(record.to_string()), None),
        Named::Object(object) => (None, Some(storable(object))),
    };
    let rows: Vec<Row> = sql_query(
        "SELECT record_id, external_id, gone, seen FROM record_links
         WHERE tenant_id = $1 AND integration_id = $2 AND kind = $3 AND (record_id = $4 OR external_id = $5)",
    )
    .bind::<Text, _>(tenant.to_string())
    .bind::<Text, _>(integration.to_string())
    .bind::<Text, _>(kind.as_str())
    .bind::<Nullable<Text>, _>(record)
    .bind::<Nullable<Text>, _>(object)
    .load(&mut **tx)
    .await?;
    let Some(row) = rows.into_iter().next() else { return Ok(None) };
    Ok(Some(Standing {
        record: parse_optional("record_id", row.record_id.as_deref())?,
        external_id: row.external_id.filter(|_| !row.gone),
        seen: from_json("seen", row.seen)?,
    }))
}

/// An object that is there, what we sent of it, and the record that it stands for.
#[derive(Clone, Debug)]
pub struct Sent {
    /// The platform's id of it.
    pub external_id: String,
    /// What we last wrote.
    pub sent: RemoteFields,
    /// The record as it is now.
    pub fields: Fields,
}

/// The objects of a kind that are there, in the order of their ids, behind `after`.
///
/// # Errors
/// When the database does not answer.
pub async fn sent_after(
    tx: &mut Transaction,
    (tenant, integration): (TenantId, IntegrationId),
    kind: RecordKind,
    after: &str,
    limit: i64,
) -> Result<Vec<Sent>, PersistenceError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        external_id: String,
        #[diesel(sql_type = Jsonb)]
        sent: Json,
        #[diesel(sql_type = Jsonb)]
        fields: Json,
    }
    let rows: Vec<Row> = sql_query(
        "SELECT link.external_id, link.sent, record.fields
         FROM record_links AS link JOIN records AS record ON record.id = link.record_id
         WHERE link.tenant_id = $1 AND link.integration_id = $2 AND link.kind = $3 AND link.external_id > $4 AND NOT link.gone
         ORDER BY link.external_id LIMIT $5",
    )
    .bind::<Text, _>(tenant.to_string())
    .bind::<Text, _>(integration.to_string())
    .bind::<Text, _>(kind.as_str())
    .bind::<Text, _>(after)
    .bind::<BigInt, _>(limit)
    .load(&mut **tx)
    .await?;
    let read = |row: Row| {
        let (sent, fields) = (from_json("sent", row.sent)?, from_json("fields", row.fields)?);
        Ok(Sent { external_id: row.external_id, sent, fields })
    };
    rows.into_iter().map(read).collect()
}
