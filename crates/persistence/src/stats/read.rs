//! Reading the statistics of an integration, or of all that a tenant has. What they say is `figures`'s.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{Array, BigInt, Integer, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use domain::duration::{BUCKETS, Histogram};
use domain::id::{IntegrationId, TenantId};
use domain::time::Timestamp;

use super::figures::{Bucket, DriftPoint, Part, Percentiles, Stats, TopError};
use crate::statement::{Bound, Nothing, Statement, sql_query};
use crate::{PersistenceError, Transaction};

/// Errors that are named at most.
const TOP_ERRORS: i64 = 10;

/// Points of drift over a period at most; more are thinned out.
const DRIFT_POINTS: i64 = 200;

/// Whose statistics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Whose {
    /// Which tenant.
    pub tenant: TenantId,
    /// Which integration; all that the tenant has without it.
    pub integration: Option<IntegrationId>,
}

/// What one bucket spans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// An hour of the clocks there. Where they are put back, an hour that they show twice is two.
    Hour,
    /// A day there, as long as it is: 23 or 25 hours where clocks are changed.
    Day,
}

impl Step {
    /// When each stretch of time begins, the oldest first: `$1` is the present, `$2` the time zone, `$3` how many.
    fn starts(self) -> &'static str {
        match self {
            Self::Hour => {
                "SELECT at FROM generate_series(
                     date_trunc('hour', $1::timestamptz, $2::text) - ($3::int - 1) * interval '1 hour',
                     date_trunc('hour', $1::timestamptz, $2::text), interval '1 hour') AS at
                 ORDER BY at"
            }
            Self::Day => {
                "SELECT local AT TIME ZONE $2::text AS at FROM generate_series(
                     date_trunc('day', $1::timestamptz AT TIME ZONE $2::text) - ($3::int - 1) * interval '1 day',
                     date_trunc('day', $1::timestamptz AT TIME ZONE $2::text), interval '1 day') AS local
                 ORDER BY at"
            }
        }
    }
}

/// Which time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// What one bucket spans.
    pub step: Step,
    /// How many buckets, the present one included; 1 at least.
    pub buckets: u16,
    /// The time zone in which hours and days begin, by its IANA name.
    pub time_zone: String,
    /// The present, with which the last bucket ends.
    pub now: Timestamp,
}

#[derive(QueryableByName)]
struct Start {
    #[diesel(sql_type = Timestamptz)]
    at: DateTime<Utc>,
}

/// Attempts that have the stretch of time, the kind of record and the way in common.
#[derive(QueryableByName)]
struct Tally {
    /// Which stretch, from 1.
    #[diesel(sql_type = Integer)]
    place: i32,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Text)]
    direction: String,
    #[diesel(sql_type = BigInt)]
    success: i64,
    #[diesel(sql_type = BigInt)]
    failed: i64,
    #[diesel(sql_type = BigInt)]
    first_successes: i64,
    #[diesel(sql_type = BigInt)]
    retries: i64,
    #[diesel(sql_type = Array<BigInt>)]
    durations: Vec<i64>,
}

/// Whose rows: `$1` is the tenant, `$2` the integration or null. Written out, so that a kept plan finds the index of either.
fn rows_of(whose: Whose) -> &'static str {
    match whose.integration {
        Some(_) => "tenant_id = $1 AND integration_id = $2",
        None => "tenant_id = $1 AND $2::text IS NULL",
    }
}

type About =
    Statement<Bound<Bound<Bound<Nothing, Text, String>, Nullable<Text>, Option<String>>, Timestamptz, DateTime<Utc>>>;

/// A statement about those rows, of which `$3` is the beginning.
fn about(whose: Whose, since: Timestamp, statement: String) -> About {
    sql_query(statement)
        .bind::<Text, _>(whose.tenant.to_string())
        .bind::<Nullable<Text>, _>(whose.integration.map(|id| id.to_string()))
        .bind::<Timestamptz, _>(DateTime::<Utc>::from(since))
}

/// The statistics of an integration, or of all that a tenant has, over a time that ends now.
///
/// # Errors
/// When the database does not answer, or does not know the time zone.
pub async fn read(tx: &mut Transaction, whose: Whose, span: &Span) -> Result<Stats, PersistenceError> {
    let starts = starts(tx, span).await?;
    let since = starts.as_slice().first().map_or_else(Timestamp::now, |first| (*first).into());
    let tallies = tallies(tx, whose, since, &starts).await?;
    let sum = |of: fn(&Tally) -> i64| tallies.iter().map(of).sum::<i64>();
    let (success, retries) = (sum(|tally| tally.success), sum(|tally| tally.retries));
    let attempts = success + sum(|tally| tally.failed);
    Ok(Stats {
        since,
        buckets: buckets(&starts, &tallies),
        attempts,
        success_rate: share(success, attempts),
        first_attempt_success_rate: share(sum(|tally| tally.first_successes), attempts - retries),
        retries,
        duration_ms: durations(tallies.iter()),
        by_kind: parts(&tallies, |tally| tally.kind.as_str()),
        by_direction: parts(&tallies, |tally| tally.direction.as_str()),
        top_errors: top_errors(tx, whose, since).await?,
        drift: drift(tx, whose, since).await?,
    })
}

async fn starts(tx: &mut Transaction, span: &Span) -> Result<Vec<DateTime<Utc>>, PersistenceError> {
    let starts: Vec<Start> = sql_query(span.step.starts())
        .bind::<Timestamptz, _>(DateTime::<Utc>::from(span.now))
        .bind::<Text, _>(span.time_zone.clone())
        .bind::<Integer, _>(i32::from(span.buckets.max(1)))
        .load(&mut **tx)
        .await?;
    Ok(starts.into_iter().map(|start| start.at).collect())
}

/// All that is counted, read through once. What was counted by other clocks than these counts to the stretch in which its hour began.
async fn tallies(
    tx: &mut Transaction,
    whose: Whose,
    since: Timestamp,
    starts: &[DateTime<Utc>],
) -> Result<Vec<Tally>, PersistenceError> {
    // Each place by itself: taken apart, the arrays of a month are half a million rows.
    let sums = (1..=BUCKETS).map(|place| format!("coalesce(sum(durations[{place}]), 0)::bigint"));
    let sums = sums.collect::<Vec<_>>().join(", ");
    let statement = format!(
        "SELECT width_bucket(hour, $4::timestamptz[]) AS place, kind, direction,
                coalesce(sum(count) FILTER (WHERE outcome = 'success'), 0)::bigint AS success,
                coalesce(sum(count) FILTER (WHERE outcome = 'failed'), 0)::bigint AS failed,
                sum(first_successes)::bigint AS first_successes, sum(retries)::bigint AS retries,
                ARRAY[{sums}] AS durations
         FROM integration_stats_hourly WHERE {} AND hour >= $3 GROUP BY place, kind, direction",
        rows_of(whose)
    );
    Ok(about(whose, since, statement).bind::<Array<Timestamptz>, _>(starts.to_vec()).load(&mut **tx).await?)
}

fn buckets(starts: &[DateTime<Utc>], tallies: &[Tally]) -> Vec<Bucket> {
    let bucket = |(place, at): (i32, &DateTime<Utc>)| {
        let there: Vec<&Tally> = tallies.iter().filter(|tally| tally.place == place).collect();
        let sum = |of: fn(&Tally) -> i64| there.iter().copied().map(of).sum::<i64>();
        let (success, failed) = (sum(|tally| tally.success), sum(|tally| tally.failed));
        Bucket { at: (*at).into(), success, failed, duration_ms: durations(there.iter().copied()) }
    };
    (1..).zip(starts).map(bucket).collect()
}

/// By what they have in common: the most first, and of as many by the name.
fn parts(tallies: &[Tally], name: fn(&Tally) -> &str) -> Vec<Part> {
    let mut parts = BTreeMap::<&str, (i64, i64)>::new();
    for tally in tallies {
        let (success, failed) = parts.entry(name(tally)).or_default();
        *success += tally.success;
        *failed += tally.failed;
    }
    let part = |(name, (success, failed)): (&str, (i64, i64))| Part { name: name.to_owned(), success, failed };
    let mut parts: Vec<_> = parts.into_iter().map(part).collect();
    parts.sort_by_key(|part| Reverse(part.success + part.failed));
    parts
}

fn durations<'a>(tallies: impl Iterator<Item = &'a Tally>) -> Percentiles {
    let mut counts = [0_i64; BUCKETS];
    for tally in tallies {
        for (sum, count) in counts.iter_mut().zip(&tally.durations) {
            *sum += count;
        }
    }
    let all = Histogram::from_counts(&counts);
    Percentiles { p50: all.percentile(50), p95: all.percentile(95), p99: all.percentile(99) }
}

/// The share of a whole; none of nothing.
fn share(part: i64, whole: i64) -> Option<f64> {
    // Of more than 32 bits, the upper ones are enough.
    let beyond = 32_u32.saturating_sub(whole.leading_zeros());
    let float = |number: i64| f64::from(u32::try_from(number >> beyond).unwrap_or(u32::MAX));
    (whole > 0).then(|| float(part) / float(whole))
}

async fn top_errors(tx: &mut Transaction, whose: Whose, since: Timestamp) -> Result<Vec<TopError>, PersistenceError> {
    let statement = format!(
        "SELECT fingerprint, min(code) AS code, (array_agg(message ORDER BY last_at DESC))[1] AS message,
                sum(count)::bigint AS count, max(last_at) AS last_at
         FROM integration_errors_hourly WHERE {} AND hour >= $3
         GROUP BY fingerprint ORDER BY sum(count) DESC, fingerprint LIMIT {TOP_ERRORS}",
        rows_of(whose)
    );
    Ok(about(whose, since, statement).load(&mut **tx).await?)
}

/// One point for each stretch of the time, the last of it: so many that they can be drawn.
async fn drift(tx: &mut Transaction, whose: Whose, since: Timestamp) -> Result<Vec<DriftPoint>, PersistenceError> {
    // All integrations are looked at in the same moments.
    let rows = rows_of(whose);
    let statement = format!(
        "WITH stretch AS (
             SELECT starts, starts + length AS ends
             FROM (SELECT greatest((now() - $3) / {DRIFT_POINTS}, interval '1 second') AS length) AS whole
             CROSS JOIN generate_series($3, now(), length) AS starts
         )
         SELECT newest AS at, owed, blocked
         FROM stretch CROSS JOIN LATERAL (
             SELECT max(at) AS newest FROM integration_drift_samples WHERE {rows} AND at >= starts AND at < ends
         ) AS last CROSS JOIN LATERAL (
             SELECT sum(owed)::bigint AS owed, sum(blocked)::bigint AS blocked
             FROM integration_drift_samples WHERE {rows} AND at = newest
         ) AS sample
         WHERE newest IS NOT NULL ORDER BY newest"
    );
    Ok(about(whose, since, statement).load(&mut **tx).await?)
}
