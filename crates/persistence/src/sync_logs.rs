//! The table `integration_sync_logs`: writing outcomes in batches. Reading them is `sync_logs::list`'s and `sync_logs::trail`'s.

mod hours;
mod list;
mod query;
mod trail;
mod words;

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Jsonb, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use domain::id::SyncLogId;
use domain::outcome::{SyncError, SyncOutcome, SyncType};
use serde_json::Value;

pub use self::list::{Filter, LogStatus, SyncLog, Text as Sought, Way, list};
pub use self::trail::{before, get, newest_alike, of_trace};
use crate::log_page::{kept_body, kept_changes};
use crate::row::Id;
use crate::text::{Json, parse, storable};
use crate::{PersistenceError, Transaction, erasure, health, log_owners, people, stats};

/// In the order of the ids, so that two writers of one redelivered batch never wait for each other in a circle.
const INSERT: &str = "
INSERT INTO integration_sync_logs (id, created_at, tenant_id, integration_id, sync_type, direction, status, kind,
    record_id, link_id, external_id, error_class, error_code, error_message, fingerprint, payload_sent,
    response_received, duration_ms, attempt, correlation_id, changes, changes_left_out)
SELECT * FROM unnest($1::text[], $2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
    $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[],
    $16::jsonb[], $17::jsonb[], $18::bigint[], $19::bigint[], $20::text[], $21::jsonb[],
    $22::bigint[]) AS new (id, created_at, tenant_id)
WHERE NOT EXISTS (SELECT FROM erased_tenants WHERE erased_tenants.id = new.tenant_id)
ORDER BY new.id
ON CONFLICT DO NOTHING
RETURNING id";

/// Writes outcomes and counts them in their integrations' health; returns the ids of those that were not there before.
///
/// Those of a tenant that was erased are dropped; of a person who was, only that something was tried is written.
///
/// # Errors
/// When the database does not answer or refuses a row, or one names another tenant's integration; nothing is written then.
pub async fn insert_batch(tx: &mut Transaction, outcomes: &[SyncOutcome]) -> Result<Vec<SyncLogId>, PersistenceError> {
    if outcomes.is_empty() {
        return Ok(Vec::new());
    }
    erasure::hold_off(tx).await?;
    log_owners::check(tx, outcomes.iter().map(|row| (row.integration_id, row.tenant_id))).await?;
    let outcomes = &*people::without_erased(tx, outcomes).await?;
    let new: Vec<Id> = insertion(outcomes)?.load(&mut **tx).await?;
    let new: BTreeSet<SyncLogId> = new.iter().map(|row| parse("id", &row.id)).collect::<Result<_, _>>()?;
    // A batch may hold the same outcome twice; it counts once.
    let mut uncounted = new.clone();
    let fresh: Vec<_> = outcomes.iter().filter(|outcome| uncounted.remove(&outcome.id)).collect();
    health::count(tx, fresh.iter().copied()).await?;
    stats::count(tx, fresh.iter().copied()).await?;
    Ok(new.into_iter().collect())
}

type Insertion = diesel::query_builder::BoxedSqlQuery<'static, diesel::pg::Pg, diesel::query_builder::SqlQuery>;

fn insertion(outcomes: &[SyncOutcome]) -> Result<Insertion, PersistenceError> {
    let column = Columns(outcomes);
    let (changes, left_out): (Vec<_>, Vec<_>) = outcomes.iter().map(|row| kept_changes(&row.changes)).unzip();
    let insertion = sql_query(INSERT)
        .into_boxed()
        .bind::<Array<Text>, _>(column.of(|row| row.id.to_string()))
        .bind::<Array<Timestamptz>, _>(column.of(|row| DateTime::<Utc>::from(row.created_at)))
        .bind::<Array<Text>, _>(column.of(|row| row.tenant_id.to_string()))
        .bind::<Array<Text>, _>(column.of(|row| row.integration_id.to_string()))
        .bind::<Array<Text>, _>(column.of(|row| row.sync_type.as_str()))
        .bind::<Array<Text>, _>(column.of(|row| direction(row.sync_type)))
        .bind::<Array<Text>, _>(column.of(SyncOutcome::status))
        .bind::<Array<Text>, _>(column.of(|row| row.kind.as_str()))
        .bind::<Array<Nullable<Text>>, _>(column.of(|row| row.record_id.map(|id| id.to_string())))
        .bind::<Array<Text>, _>(column.of(|row| row.link_id.to_string()))
        .bind::<Array<Nullable<Text>>, _>(column.of(|row| row.external_id.as_deref().map(storable)))
        .bind::<Array<Nullable<Text>>, _>(column.of_error(|error| error.class.code().to_owned()))
        .bind::<Array<Nullable<Text>>, _>(column.of_error(|error| storable(&error.code)))
        .bind::<Array<Nullable<Text>>, _>(column.of_error(|error| storable(&error.message)))
        .bind::<Array<Nullable<Text>>, _>(column.of_error(|error| storable(&error.fingerprint())))
        .bind::<Array<Nullable<Jsonb>>, _>(column.bodies(|row| row.request.as_ref())?)
        .bind::<Array<Nullable<Jsonb>>, _>(column.bodies(|row| row.response.as_ref())?)
        .bind::<Array<BigInt>, _>(column.of(|row| i64::from(row.duration_ms)))
        .bind::<Array<BigInt>, _>(column.of(|row| i64::from(row.attempt)))
        .bind::<Array<Text>, _>(column.of(|row| storable(&row.correlation_id)))
        .bind::<Array<Nullable<Jsonb>>, _>(changes)
        .bind::<Array<BigInt>, _>(left_out);
    Ok(insertion)
}

/// A batch of rows, seen column by column.
struct Columns<'a>(&'a [SyncOutcome]);

impl<'a> Columns<'a> {
    fn of<T>(&self, of: impl Fn(&'a SyncOutcome) -> T) -> Vec<T> {
        self.0.iter().map(of).collect()
    }

    fn bodies(&self, of: impl Fn(&'a SyncOutcome) -> Option<&'a Value>) -> Result<Vec<Option<Json>>, PersistenceError> {
        self.0.iter().map(|row| kept_body(of(row))).collect()
    }

    fn of_error(&self, of: impl Fn(&SyncError) -> String) -> Vec<Option<String>> {
        self.0.iter().map(|row| row.error.as_ref().map(&of)).collect()
    }
}

/// Which way data went, or should have.
pub(crate) fn direction(sync_type: SyncType) -> &'static str {
    match sync_type {
        SyncType::Create | SyncType::Update | SyncType::Delete => "to_platform",
        SyncType::Adopt | SyncType::Read => "from_platform",
    }
}
