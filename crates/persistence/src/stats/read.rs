//! Reading the statistics of an integration, or of all that a tenant has.

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Double, Nullable, Text, Timestamptz};
use diesel::{QueryableByName, sql_query};
use diesel_async::RunQueryDsl;
use domain::duration::{BUCKETS, Histogram};
use domain::id::{IntegrationId, TenantId};
use domain::time::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

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
    /// The stretches of time, from when to when: `$3` is the present, `$4` the time zone, `$5` how many. What was counted by other
    /// clocks than these counts to the stretch in which its hour began.
    fn stretches(self) -> &'static str {
        match self {
            Self::Hour => {
                "SELECT at, at + interval '1 hour' AS until
                 FROM generate_series(date_trunc('hour', $3, $4) - ($5 - 1) * interval '1 hour',
                                      date_trunc('hour', $3, $4), interval '1 hour') AS at"
            }
            Self::Day => {
                "SELECT local AT TIME ZONE $4 AS at, (local + interval '1 day') AT TIME ZONE $4 AS until
                 FROM generate_series(date_trunc('day', $3 AT TIME ZONE $4) - ($5 - 1) * interval '1 day',
                                      date_trunc('day', $3 AT TIME ZONE $4), interval '1 day') AS local"
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

/// Attempts that ended in one stretch of time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema, QueryableByName)]
#[schema(as = StatsBucket)]
pub struct Bucket {
    /// When it begins.
    #[diesel(sql_type = Timestamptz, deserialize_as = DateTime<Utc>)]
    pub at: Timestamp,
    /// How many succeeded.
    #[diesel(sql_type = BigInt)]
    pub success: i64,
    /// How many failed.
    #[diesel(sql_type = BigInt)]
    pub failed: i64,
}

/// Attempts that have one thing in common.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema, QueryableByName)]
#[schema(as = StatsPart)]
pub struct Part {
    /// What they have in common.
    #[diesel(sql_type = Text)]
    #[schema(example = "contact")]
    pub name: String,
    /// How many succeeded.
    #[diesel(sql_type = BigInt)]
    pub success: i64,
    /// How many failed.
    #[diesel(sql_type = BigInt)]
    pub failed: i64,
}

/// Failures that one remedy mends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema, QueryableByName)]
pub struct TopError {
    /// What they have in common.
    #[diesel(sql_type = Text)]
    pub fingerprint: String,
    /// Their stable code.
    #[diesel(sql_type = Text)]
    #[schema(example = "INVALID_EMAIL")]
    pub code: String,
    /// What the newest of them says.
    #[diesel(sql_type = Text)]
    pub message: String,
    /// How many.
    #[diesel(sql_type = BigInt)]
    pub count: i64,
    /// When the newest of them failed.
    #[diesel(sql_type = Timestamptz, deserialize_as = DateTime<Utc>)]
    pub last_at: Timestamp,
}

/// How far out of step it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema, QueryableByName)]
pub struct DriftPoint {
    /// When.
    #[diesel(sql_type = Timestamptz, deserialize_as = DateTime<Utc>)]
    pub at: Timestamp,
    /// How many records were not in step yet.
    #[diesel(sql_type = BigInt)]
    pub owed: i64,
    /// How many a failure kept out of step.
    #[diesel(sql_type = BigInt)]
    pub blocked: i64,
}

/// How long the platform took, in milliseconds; each is off by an eighth of itself at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Percentiles {
    /// Half took so long or less.
    pub p50: Option<u32>,
    /// 95 of 100.
    pub p95: Option<u32>,
    /// 99 of 100.
    pub p99: Option<u32>,
}

/// What happened over a time.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Stats {
    /// From when on, to now.
    pub since: Timestamp,
    /// The volume over time, without gaps, the oldest first.
    pub buckets: Vec<Bucket>,
    /// How many attempts there were.
    pub attempts: i64,
    /// How many of them succeeded, as a share; `null` where there were none.
    #[schema(example = 0.987)]
    pub success_rate: Option<f64>,
    /// How many first attempts succeeded, as a share; `null` where there were none.
    #[schema(example = 0.965)]
    pub first_attempt_success_rate: Option<f64>,
    /// How many were no first attempts.
    pub retries: i64,
    /// How long the platform took, in milliseconds.
    pub duration_ms: Percentiles,
    /// By the kind of record.
    pub by_kind: Vec<Part>,
    /// By the way that data went.
    pub by_direction: Vec<Part>,
    /// What went wrong most often.
    pub top_errors: Vec<TopError>,
    /// How far out of step it was over time, the oldest first.
    pub drift: Vec<DriftPoint>,
}

#[derive(QueryableByName)]
struct Totals {
    #[diesel(sql_type = BigInt)]
    attempts: i64,
    #[diesel(sql_type = BigInt)]
    retries: i64,
    #[diesel(sql_type = Nullable<Double>)]
    success_rate: Option<f64>,
    #[diesel(sql_type = Nullable<Double>)]
    first_rate: Option<f64>,
}

#[derive(QueryableByName)]
struct Counts {
    #[diesel(sql_type = Array<BigInt>)]
    counts: Vec<i64>,
}

/// The rows of the wanted time: `$1` is the tenant, `$2` the integration or null, `$3` the beginning.
const OF: &str = "WHERE tenant_id = $1 AND ($2::text IS NULL OR integration_id = $2) AND hour >= $3";

type Query = diesel::query_builder::BoxedSqlQuery<'static, diesel::pg::Pg, diesel::query_builder::SqlQuery>;

/// A statement about the rows of the wanted time.
fn about(whose: Whose, since: Timestamp, statement: String) -> Query {
    sql_query(statement)
        .into_boxed()
        .bind::<Text, _>(whose.tenant.to_string())
        .bind::<Nullable<Text>, _>(whose.integration.map(|id| id.to_string()))
        .bind::<Timestamptz, _>(DateTime::<Utc>::from(since))
}

/// The statistics of an integration, or of all that a tenant has, over a time that ends now.
///
/// # Errors
/// When the database does not answer, or does not know the time zone.
pub async fn read(tx: &mut Transaction, whose: Whose, span: &Span) -> Result<Stats, PersistenceError> {
    let buckets = buckets(tx, whose, span).await?;
    let since = buckets.as_slice().first().map_or_else(Timestamp::now, |first| first.at);
    let totals: Totals = about(
        whose,
        since,
        format!(
            "SELECT coalesce(sum(count), 0)::bigint AS attempts, coalesce(sum(retries), 0)::bigint AS retries,
                    sum(count) FILTER (WHERE outcome = 'success')::float8 / nullif(sum(count), 0)::float8
                        AS success_rate,
                    sum(first_successes)::float8 / nullif(sum(count) - sum(retries), 0)::float8 AS first_rate
             FROM integration_stats_hourly {OF}"
        ),
    )
    .get_result(&mut **tx)
    .await?;
    Ok(Stats {
        since,
        buckets,
        attempts: totals.attempts,
        success_rate: totals.success_rate.or((totals.attempts > 0).then_some(0.0)),
        first_attempt_success_rate: totals.first_rate,
        retries: totals.retries,
        duration_ms: durations(tx, whose, since).await?,
        by_kind: parts(tx, whose, since, "kind").await?,
        by_direction: parts(tx, whose, since, "direction").await?,
        top_errors: top_errors(tx, whose, since).await?,
        drift: drift(tx, whose, since).await?,
    })
}

async fn buckets(tx: &mut Transaction, whose: Whose, span: &Span) -> Result<Vec<Bucket>, PersistenceError> {
    let statement = format!(
        "WITH stretch AS ({})
         SELECT stretch.at,
                coalesce(sum(count) FILTER (WHERE outcome = 'success'), 0)::bigint AS success,
                coalesce(sum(count) FILTER (WHERE outcome = 'failed'), 0)::bigint AS failed
         FROM stretch
         LEFT JOIN integration_stats_hourly AS stats
             ON stats.tenant_id = $1 AND ($2::text IS NULL OR stats.integration_id = $2)
            AND stats.hour >= stretch.at AND stats.hour < stretch.until
         GROUP BY stretch.at ORDER BY stretch.at",
        span.step.stretches()
    );
    Ok(sql_query(statement)
        .bind::<Text, _>(whose.tenant.to_string())
        .bind::<Nullable<Text>, _>(whose.integration.map(|id| id.to_string()))
        .bind::<Timestamptz, _>(DateTime::<Utc>::from(span.now))
        .bind::<Text, _>(&span.time_zone)
        .bind::<diesel::sql_types::Integer, _>(i32::from(span.buckets.max(1)))
        .load(&mut **tx)
        .await?)
}

async fn durations(tx: &mut Transaction, whose: Whose, since: Timestamp) -> Result<Percentiles, PersistenceError> {
    // Each place by itself: taken apart, the arrays of a month are half a million rows.
    let sums = (1..=BUCKETS).map(|place| format!("coalesce(sum(durations[{place}]), 0)::bigint"));
    let sums = sums.collect::<Vec<_>>().join(", ");
    let statement = format!("SELECT ARRAY[{sums}] AS counts FROM integration_stats_hourly {OF}");
    let Counts { counts } = about(whose, since, statement).get_result(&mut **tx).await?;
    let all = Histogram::from_counts(&counts);
    Ok(Percentiles { p50: all.percentile(50), p95: all.percentile(95), p99: all.percentile(99) })
}

async fn parts(
    tx: &mut Transaction,
    whose: Whose,
    since: Timestamp,
    column: &'static str,
) -> Result<Vec<Part>, PersistenceError> {
    let statement = format!(
        "SELECT {column} AS name,
                coalesce(sum(count) FILTER (WHERE outcome = 'success'), 0)::bigint AS success,
                coalesce(sum(count) FILTER (WHERE outcome = 'failed'), 0)::bigint AS failed
         FROM integration_stats_hourly {OF} GROUP BY {column} ORDER BY sum(count) DESC, {column}"
    );
    Ok(about(whose, since, statement).load(&mut **tx).await?)
}

async fn top_errors(tx: &mut Transaction, whose: Whose, since: Timestamp) -> Result<Vec<TopError>, PersistenceError> {
    let statement = format!(
        "SELECT fingerprint, min(code) AS code, (array_agg(message ORDER BY last_at DESC))[1] AS message,
                sum(count)::bigint AS count, max(last_at) AS last_at
         FROM integration_errors_hourly {OF}
         GROUP BY fingerprint ORDER BY sum(count) DESC, fingerprint LIMIT {TOP_ERRORS}"
    );
    Ok(about(whose, since, statement).load(&mut **tx).await?)
}

/// One point for each stretch of the time, the last of it: so many that they can be drawn.
async fn drift(tx: &mut Transaction, whose: Whose, since: Timestamp) -> Result<Vec<DriftPoint>, PersistenceError> {
    let statement = format!(
        "SELECT DISTINCT ON (stretch) at, owed, blocked FROM (
             SELECT at, sum(owed)::bigint AS owed, sum(blocked)::bigint AS blocked,
                    floor(extract(epoch FROM at - $3) * {DRIFT_POINTS} / extract(epoch FROM now() - $3)) AS stretch
             FROM integration_drift_samples
             WHERE tenant_id = $1 AND ($2::text IS NULL OR integration_id = $2) AND at >= $3
             GROUP BY at
         ) AS sample
         ORDER BY stretch, at DESC"
    );
    Ok(about(whose, since, statement).load(&mut **tx).await?)
}
