//! The table `integration_health`: how an integration is. Counting from outcomes is done here too, since it is one statement.

mod proclaiming;
mod telling;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::dsl::now;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use domain::id::{IntegrationId, TenantId};
use domain::integration::Status;
use domain::outcome::SyncOutcome;
use domain::time::Timestamp;

use crate::schema::integration_health as table;
use crate::statement::sql_query;
use crate::text::{from_word, storable, to_word};
use crate::{PersistenceError, Transaction};

pub use proclaiming::{UnproclaimedStatus, note_proclaimed, unproclaimed};
pub use telling::{UntoldStatus, note_told, note_untold, take_untold};

/// After so many failures in a row an integration's status is `error`: a single bad record is no trouble of the whole.
const FAILURES_UNTIL_ERROR: i64 = 3;

/// How an integration is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// In the words that tenants know.
    pub status: Status,
    /// Why it is so, in a sentence for the tenant.
    pub cause: Option<String>,
    /// When the newest attempt ended.
    pub last_sync_at: Option<Timestamp>,
    /// Whether the newest attempt succeeded; `success` or `failed`.
    pub last_sync_status: Option<String>,
    /// When the newest successful attempt ended.
    pub last_success_at: Option<Timestamp>,
    /// The message of the newest failure.
    pub last_error: Option<String>,
    /// When the newest failed attempt ended.
    pub last_error_at: Option<Timestamp>,
    /// Failures since the last success.
    pub error_count: i64,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = table)]
struct Row {
    status: String,
    cause: Option<String>,
    last_sync_at: Option<DateTime<Utc>>,
    last_sync_status: Option<String>,
    last_success_at: Option<DateTime<Utc>>,
    last_error: Option<String>,
    last_error_at: Option<DateTime<Utc>>,
    error_count: i64,
}

/// The health of an integration; `None` where the tenant has none of that id.
///
/// # Errors
/// When the database does not answer.
pub async fn get(
    tx: &mut Transaction,
    tenant: TenantId,
    id: IntegrationId,
) -> Result<Option<Health>, PersistenceError> {
    let row = table::table
        .filter(table::integration_id.eq(id.to_string()))
        .filter(table::tenant_id.eq(tenant.to_string()))
        .select(Row::as_select())
        .first(&mut **tx)
        .await
        .optional()?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Health {
        status: from_word("status", row.status)?,
        cause: row.cause,
        last_sync_at: row.last_sync_at.map(Timestamp::from),
        last_sync_status: row.last_sync_status,
        last_success_at: row.last_success_at.map(Timestamp::from),
        last_error: row.last_error,
        last_error_at: row.last_error_at.map(Timestamp::from),
        error_count: row.error_count,
    }))
}

/// Says how an integration is and why; `active` also forgets the failures that were counted.
///
/// # Errors
/// When the database does not answer.
pub async fn set_status(
    tx: &mut Transaction,
    tenant: TenantId,
    id: IntegrationId,
    status: Status,
    cause: Option<&str>,
) -> Result<(), PersistenceError> {
    let target =
        table::table.filter(table::integration_id.eq(id.to_string())).filter(table::tenant_id.eq(tenant.to_string()));
    let said = (table::status.eq(to_word(&status)?), table::cause.eq(cause.map(storable)), table::updated_at.eq(now));
    if status == Status::Active {
        diesel::update(target).set((said, table::error_count.eq(0))).execute(&mut **tx).await?;
    } else {
        diesel::update(target).set(said).execute(&mut **tx).await?;
    }
    Ok(())
}

/// What a batch of outcomes says of one integration.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    /// The newest attempt: when, and whether it succeeded.
    last: Option<(Timestamp, bool)>,
    last_success: Option<Timestamp>,
    last_failure: Option<(Timestamp, String)>,
    /// Failures after the newest success, or all where there was none.
    failures: i64,
}

impl Tally {
    /// Takes outcomes in the order of their time.
    fn take(&mut self, outcome: &SyncOutcome) {
        let at = outcome.created_at;
        self.last = Some((at, outcome.error.is_none()));
        match &outcome.error {
            None => {
                self.last_success = Some(at);
                self.failures = 0;
            }
            Some(error) => {
                self.last_failure = Some((at, storable(&error.message)));
                self.failures += 1;
            }
        }
    }
}

fn tally<'a>(outcomes: impl Iterator<Item = &'a SyncOutcome>) -> BTreeMap<String, Tally> {
    let mut in_order: Vec<_> = outcomes.collect();
    in_order.sort_by_key(|outcome| outcome.created_at);
    let mut tallies = BTreeMap::<String, Tally>::new();
    for outcome in in_order {
        tallies.entry(outcome.integration_id.to_string()).or_default().take(outcome);
    }
    tallies
}

const COUNT: &str = "
UPDATE integration_health AS health SET
    last_sync_status = CASE WHEN new.at >= coalesce(health.last_sync_at, '-infinity')
                            THEN CASE WHEN new.succeeded THEN 'success' ELSE 'failed' END
                            ELSE health.last_sync_status END,
    last_sync_at = greatest(health.last_sync_at, new.at),
    last_success_at = greatest(health.last_success_at, new.success_at),
    last_error = CASE WHEN new.error_at >= coalesce(health.last_error_at, '-infinity')
                      THEN new.error ELSE health.last_error END,
    last_error_at = greatest(health.last_error_at, new.error_at),
    error_count = new.count,
    failing_since = CASE WHEN new.count > 0 THEN coalesce(new.failing_since, new.error_at) END,
    status = CASE WHEN health.status = 'error' AND new.count = 0 THEN 'active'
                  WHEN health.status = 'active' AND new.count >= $7 THEN 'error'
                  ELSE health.status END,
    cause = CASE WHEN health.status = 'error' AND new.count = 0 THEN NULL
                 WHEN health.status IN ('active', 'error') AND new.count >= $7 THEN coalesce(new.error, health.cause)
                 ELSE health.cause END,
    updated_at = now()
FROM (
    SELECT batch.*,
           CASE WHEN batch.success_at IS NULL THEN locked.error_count + batch.failures
                -- A success that is older than what is known says nothing of the failures since.
                WHEN batch.success_at < locked.last_error_at AND batch.failures = 0 THEN locked.error_count
                ELSE batch.failures END AS count,
           CASE WHEN locked.error_count > 0 AND (batch.success_at IS NULL
                    OR batch.success_at < locked.last_error_at AND batch.failures = 0)
                THEN locked.failing_since END AS failing_since
    FROM unnest($1::text[], $2::timestamptz[], $3::bool[], $4::timestamptz[], $5::timestamptz[], $6::text[], $8::bigint[])
        AS batch(id, at, succeeded, success_at, error_at, error, failures)
    JOIN integration_health AS locked ON locked.integration_id = batch.id
) AS new
WHERE health.integration_id = new.id";

/// Counts outcomes that were not counted before. The rows are locked in the order of their ids, so that two writers
/// never wait for each other in a circle.
pub(crate) async fn count<'a>(
    tx: &mut Transaction,
    outcomes: impl Iterator<Item = &'a SyncOutcome>,
) -> Result<(), PersistenceError> {
    let tallies = tally(outcomes);
    if tallies.is_empty() {
        return Ok(());
    }
    let ids: Vec<_> = tallies.keys().cloned().collect();
    sql_query("SELECT FROM integration_health WHERE integration_id = ANY($1) ORDER BY integration_id FOR UPDATE")
        .bind::<Array<Text>, _>(&ids)
        .execute(&mut **tx)
        .await?;
    fn column<T>(tallies: &BTreeMap<String, Tally>, of: impl Fn(&Tally) -> T) -> Vec<T> {
        tallies.values().map(of).collect()
    }
    let at = |at: Timestamp| DateTime::<Utc>::from(at);
    sql_query(COUNT)
        .bind::<Array<Text>, _>(&ids)
        .bind::<Array<Nullable<Timestamptz>>, _>(column(&tallies, |tally| tally.last.map(|(last, _)| at(last))))
        .bind::<Array<Bool>, _>(column(&tallies, |tally| tally.last.is_some_and(|(_, succeeded)| succeeded)))
        .bind::<Array<Nullable<Timestamptz>>, _>(column(&tallies, |tally| tally.last_success.map(at)))
        .bind::<Array<Nullable<Timestamptz>>, _>(column(&tallies, |tally| {
            tally.last_failure.as_ref().map(|(failed, _)| at(*failed))
        }))
        .bind::<Array<Nullable<Text>>, _>(column(&tallies, |tally| {
            tally.last_failure.as_ref().map(|(_, message)| message.clone())
        }))
        .bind::<BigInt, _>(FAILURES_UNTIL_ERROR)
        .bind::<Array<BigInt>, _>(column(&tallies, |tally| tally.failures))
        .execute(&mut **tx)
        .await?;
    Ok(())
}
