//! The statistics: counted with the rows of the log, in their transaction, by the hours of each tenant's clocks. Reading them is
//! `stats::read`'s.

mod drift;
mod figures;
mod glance;
mod read;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Integer, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use domain::duration::Histogram;
use domain::id::TenantId;
use domain::outcome::SyncOutcome;
use domain::settings::TimeZone;

pub use self::drift::{Waiting, sample_drift, waiting};
pub use self::figures::{Bucket, DriftPoint, Part, Percentiles, Stats, TopError};
pub use self::glance::{Glance, glance};
pub use self::read::{Span, Step, Whose, read};
use crate::statement::sql_query;
use crate::sync_logs::direction;
use crate::text::storable;
use crate::{PersistenceError, Transaction, settings};

/// What rows have in common that are counted together, in the order of the primary key.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    integration: String,
    hour: DateTime<Utc>,
    kind: &'static str,
    sync_type: &'static str,
    outcome: &'static str,
    error_class: &'static str,
}

#[derive(Debug, Default)]
struct Tally {
    tenant: String,
    direction: &'static str,
    count: i64,
    first_successes: i64,
    retries: i64,
    durations: Histogram,
}

/// What went wrong alike.
#[derive(Debug, Default)]
struct Wrong {
    tenant: String,
    code: String,
    message: String,
    count: i64,
    last_at: DateTime<Utc>,
}

/// The clocks of tenants; of one that has set nothing, those of the default.
struct Clocks(BTreeMap<TenantId, TimeZone>);

impl Clocks {
    /// When the hour began in which an attempt ended, by its tenant's clocks.
    fn hour(&self, row: &SyncOutcome) -> DateTime<Utc> {
        let zone = self.0.get(&row.tenant_id).copied().unwrap_or_default();
        zone.hour_of(row.created_at).into()
    }
}

fn tally<'a>(clocks: &Clocks, outcomes: impl Iterator<Item = &'a SyncOutcome>) -> BTreeMap<Key, Tally> {
    let mut tallies = BTreeMap::<Key, Tally>::new();
    for row in outcomes {
        let key = Key {
            integration: row.integration_id.to_string(),
            hour: clocks.hour(row),
            kind: row.kind.as_str(),
            sync_type: row.sync_type.as_str(),
            outcome: row.status(),
            error_class: row.error.as_ref().map_or("", |error| error.class.code()),
        };
        let tally = tallies.entry(key).or_default();
        tally.tenant = row.tenant_id.to_string();
        tally.direction = direction(row.sync_type);
        tally.count += 1;
        tally.first_successes += i64::from(row.error.is_none() && row.attempt <= 1);
        tally.retries += i64::from(row.attempt > 1);
        tally.durations.add(row.duration_ms);
    }
    tallies
}

/// By integration, hour and fingerprint.
fn errors<'a>(
    clocks: &Clocks,
    outcomes: impl Iterator<Item = &'a SyncOutcome>,
) -> BTreeMap<(String, DateTime<Utc>, String), Wrong> {
    let mut wrongs = BTreeMap::<_, Wrong>::new();
    for row in outcomes {
        let Some(error) = &row.error else { continue };
        let at = DateTime::<Utc>::from(row.created_at);
        let key = (row.integration_id.to_string(), clocks.hour(row), storable(&error.fingerprint()));
        let wrong = wrongs.entry(key).or_default();
        wrong.tenant = row.tenant_id.to_string();
        wrong.count += 1;
        if at >= wrong.last_at {
            (wrong.code, wrong.message, wrong.last_at) = (storable(&error.code), storable(&error.message), at);
        }
    }
    wrongs
}

/// The buckets of all rows travel as one flat array, since PostgreSQL's arrays of arrays do not come apart by rows.
const COUNT: &str = "
INSERT INTO integration_stats_hourly AS old (integration_id, hour, kind, sync_type, direction, outcome, error_class,
    tenant_id, count, first_successes, retries, durations)
SELECT batch.integration_id, batch.hour, batch.kind, batch.sync_type, batch.direction, batch.outcome,
       batch.error_class, batch.tenant_id, batch.count, batch.first_successes, batch.retries,
       ($12::bigint[])[(batch.place - 1) * $13 + 1 : batch.place * $13]
FROM unnest($1::text[], $2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
            $9::bigint[], $10::bigint[], $11::bigint[])
    WITH ORDINALITY AS batch(integration_id, hour, kind, sync_type, direction, outcome, error_class, tenant_id, count,
                             first_successes, retries, place)
ORDER BY batch.place
ON CONFLICT (integration_id, hour, kind, sync_type, outcome, error_class) DO UPDATE SET
    count = old.count + excluded.count,
    first_successes = old.first_successes + excluded.first_successes,
    retries = old.retries + excluded.retries,
    durations = (SELECT array_agg(coalesce(a, 0) + coalesce(b, 0) ORDER BY place)
                 FROM unnest(old.durations, excluded.durations) WITH ORDINALITY AS pair(a, b, place))";

const COUNT_ERRORS: &str = "
INSERT INTO integration_errors_hourly AS old
    (integration_id, hour, fingerprint, tenant_id, code, message, count, last_at)
SELECT integration_id, hour, fingerprint, tenant_id, code, message, count, last_at
FROM unnest($1::text[], $2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[],
            $8::timestamptz[])
    WITH ORDINALITY AS batch(integration_id, hour, fingerprint, tenant_id, code, message, count, last_at, place)
ORDER BY place
ON CONFLICT (integration_id, hour, fingerprint) DO UPDATE SET
    count = old.count + excluded.count,
    code = CASE WHEN excluded.last_at >= old.last_at THEN excluded.code ELSE old.code END,
    message = CASE WHEN excluded.last_at >= old.last_at THEN excluded.message ELSE old.message END,
    last_at = greatest(old.last_at, excluded.last_at)";

/// Counts outcomes that were not counted before. Rows are touched in the order of their keys, so that two writers never
/// wait for each other in a circle.
pub(crate) async fn count<'a>(
    tx: &mut Transaction,
    outcomes: impl Iterator<Item = &'a SyncOutcome> + Clone,
) -> Result<(), PersistenceError> {
    let tenants: BTreeSet<TenantId> = outcomes.clone().map(|row| row.tenant_id).collect();
    if tenants.is_empty() {
        return Ok(());
    }
    let clocks = Clocks(settings::time_zones(tx, &Vec::from_iter(tenants)).await?);
    count_attempts(tx, &tally(&clocks, outcomes.clone())).await?;
    count_errors(tx, &errors(&clocks, outcomes)).await
}

async fn count_attempts(tx: &mut Transaction, tallies: &BTreeMap<Key, Tally>) -> Result<(), PersistenceError> {
    fn key<T>(tallies: &BTreeMap<Key, Tally>, of: impl Fn(&Key) -> T) -> Vec<T> {
        tallies.keys().map(of).collect()
    }
    fn value<T>(tallies: &BTreeMap<Key, Tally>, of: impl Fn(&Tally) -> T) -> Vec<T> {
        tallies.values().map(of).collect()
    }
    let durations: Vec<i64> = tallies.values().flat_map(|tally| tally.durations.counts().iter().copied()).collect();
    let buckets = i32::try_from(domain::duration::BUCKETS).unwrap_or(i32::MAX);
    sql_query(COUNT)
        .bind::<Array<Text>, _>(key(tallies, |key| key.integration.clone()))
        .bind::<Array<Timestamptz>, _>(key(tallies, |key| key.hour))
        .bind::<Array<Text>, _>(key(tallies, |key| key.kind))
        .bind::<Array<Text>, _>(key(tallies, |key| key.sync_type))
        .bind::<Array<Text>, _>(value(tallies, |tally| tally.direction))
        .bind::<Array<Text>, _>(key(tallies, |key| key.outcome))
        .bind::<Array<Text>, _>(key(tallies, |key| key.error_class))
        .bind::<Array<Text>, _>(value(tallies, |tally| tally.tenant.clone()))
        .bind::<Array<BigInt>, _>(value(tallies, |tally| tally.count))
        .bind::<Array<BigInt>, _>(value(tallies, |tally| tally.first_successes))
        .bind::<Array<BigInt>, _>(value(tallies, |tally| tally.retries))
        .bind::<Array<BigInt>, _>(durations)
        .bind::<Integer, _>(buckets)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

async fn count_errors(
    tx: &mut Transaction,
    wrongs: &BTreeMap<(String, DateTime<Utc>, String), Wrong>,
) -> Result<(), PersistenceError> {
    if wrongs.is_empty() {
        return Ok(());
    }
    sql_query(COUNT_ERRORS)
        .bind::<Array<Text>, _>(wrongs.keys().map(|(integration, _, _)| integration.clone()).collect::<Vec<_>>())
        .bind::<Array<Timestamptz>, _>(wrongs.keys().map(|(_, hour, _)| *hour).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(wrongs.keys().map(|(_, _, fingerprint)| fingerprint.clone()).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(wrongs.values().map(|wrong| wrong.tenant.clone()).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(wrongs.values().map(|wrong| wrong.code.clone()).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(wrongs.values().map(|wrong| wrong.message.clone()).collect::<Vec<_>>())
        .bind::<Array<BigInt>, _>(wrongs.values().map(|wrong| wrong.count).collect::<Vec<_>>())
        .bind::<Array<Timestamptz>, _>(wrongs.values().map(|wrong| wrong.last_at).collect::<Vec<_>>())
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Forgets what was counted more than so many days ago.
///
/// # Errors
/// When the database does not answer.
pub async fn drop_older(tx: &mut Transaction, days_kept: u16) -> Result<(), PersistenceError> {
    for (table, time) in [
        ("integration_stats_hourly", "hour"),
        ("integration_errors_hourly", "hour"),
        ("integration_drift_samples", "at"),
    ] {
        sql_query(format!("DELETE FROM {table} WHERE {time} < now() - make_interval(days => $1)"))
            .bind::<Integer, _>(i32::from(days_kept))
            .execute(&mut **tx)
            .await?;
    }
    Ok(())
}
