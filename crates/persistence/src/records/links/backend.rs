//! The link that every record has to Coccinelle's own backend: what the backend has shown of it. Telling it is `telling`'s.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{Array, Jsonb, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use domain::id::{IntegrationId, LinkId, RecordId, TenantId};
use domain::kind::RecordKind;
use domain::link::LinkState;
use domain::time::Timestamp;

use super::named::{self, OF_RECORDS};
use crate::statement::sql_query;
use crate::text::{Json, from_json, parse, to_json};
use crate::{PersistenceError, Transaction};

/// The backend's link of one record. Its external id is the subject's id.
#[derive(Clone, Debug)]
pub struct BackendLink {
    /// The record.
    pub record: RecordId,
    /// Its kind.
    pub kind: RecordKind,
    /// What the backend has shown.
    pub state: LinkState,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    record_id: String,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(embed)]
    state: StateRow,
}

/// The columns of what the backend has shown and was told.
#[derive(QueryableByName)]
pub(super) struct StateRow {
    #[diesel(sql_type = Nullable<Text>)]
    external_id: Option<String>,
    #[diesel(sql_type = Jsonb)]
    sent: Json,
    #[diesel(sql_type = Jsonb)]
    seen: Json,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    seen_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    told_at: Option<DateTime<Utc>>,
}

impl StateRow {
    pub(super) fn into_state(self) -> Result<LinkState, PersistenceError> {
        Ok(LinkState {
            external_id: self.external_id,
            sent: from_json("sent", self.sent)?,
            seen: from_json("seen", self.seen)?,
            seen_at: self.seen_at.map(Timestamp::from),
            told_at: self.told_at.map(Timestamp::from),
        })
    }
}

/// The backend's links of some records; the caller holds the records' locks.
///
/// # Errors
/// When the database does not answer.
pub async fn backend_links(
    tx: &mut Transaction,
    backend: IntegrationId,
    records: &BTreeSet<RecordId>,
) -> Result<BTreeMap<RecordId, BackendLink>, PersistenceError> {
    let statement = format!("SELECT record_id, kind, external_id, sent, seen, seen_at, told_at FROM {OF_RECORDS}");
    let rows: Vec<Row> = named::of_records(statement, backend, records).load(&mut **tx).await?;
    let mut links = BTreeMap::new();
    for row in rows {
        let record: RecordId = parse("record_id", &row.record_id)?;
        links.insert(record, BackendLink { record, kind: parse("kind", &row.kind)?, state: row.state.into_state()? });
    }
    Ok(links)
}

/// Writes what the backend has shown.
///
/// # Errors
/// When the database does not answer.
pub async fn save_backend_links(
    tx: &mut Transaction,
    tenant: TenantId,
    backend: IntegrationId,
    links: &[&BackendLink],
) -> Result<(), PersistenceError> {
    if links.is_empty() {
        return Ok(());
    }
    let seen = links.iter().map(|link| to_json(&link.state.seen)).collect::<Result<Vec<Json>, _>>()?;
    let sent = links.iter().map(|link| to_json(&link.state.sent)).collect::<Result<Vec<Json>, _>>()?;
    let seen_at = links.iter().map(|link| link.state.seen_at.map(DateTime::<Utc>::from));
    sql_query(
        "INSERT INTO record_links (tenant_id, integration_id, id, record_id, kind, external_id, seen, seen_at,
                                   sent)
         SELECT $1, $2, new.*
         FROM unnest($3, $4, $5, $6, $7, $8, $9) AS new (id, record_id, kind, external_id, seen, seen_at, sent)
         ON CONFLICT (integration_id, record_id) DO UPDATE SET
             external_id = coalesce(record_links.external_id, EXCLUDED.external_id),
             seen = EXCLUDED.seen, seen_at = EXCLUDED.seen_at, sent = EXCLUDED.sent, updated_at = now()",
    )
    .bind::<Text, _>(tenant.to_string())
    .bind::<Text, _>(backend.to_string())
    .bind::<Array<Text>, _>(links.iter().map(|_| LinkId::new().to_string()).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(links.iter().map(|link| link.record.to_string()).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(links.iter().map(|link| link.kind.as_str()).collect::<Vec<_>>())
    .bind::<Array<Nullable<Text>>, _>(links.iter().map(|link| link.state.external_id.clone()).collect::<Vec<_>>())
    .bind::<Array<Jsonb>, _>(seen)
    .bind::<Array<Nullable<Timestamptz>>, _>(seen_at.collect::<Vec<_>>())
    .bind::<Array<Jsonb>, _>(sent)
    .execute(&mut **tx)
    .await?;
    Ok(())
}
