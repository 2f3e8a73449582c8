//! What the statistics say: the shapes of the answer. Where they are read is `read`'s.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Text, Timestamptz};
use domain::time::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

/// Attempts that ended in one stretch of time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = StatsBucket)]
pub struct Bucket {
    /// When it begins.
    pub at: Timestamp,
    /// How many succeeded.
    pub success: i64,
    /// How many failed.
    pub failed: i64,
    /// How long the platform took, in milliseconds.
    pub duration_ms: Percentiles,
}

/// Attempts that have one thing in common.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = StatsPart)]
pub struct Part {
    /// What they have in common.
    #[schema(example = "contact")]
    pub name: String,
    /// How many succeeded.
    pub success: i64,
    /// How many failed.
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
