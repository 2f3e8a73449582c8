//! Failures in groups that one remedy mends. Which they are one by one is `failures`'s.

use chrono::{DateTime, Utc};
use diesel::sql_types::{BigInt, Nullable, Text, Timestamptz};
use diesel::{QueryableByName, sql_query};
use diesel_async::RunQueryDsl;
use domain::id::{IntegrationId, LinkId, TenantId};
use domain::time::Timestamp;

use crate::text::{parse, storable};
use crate::{PersistenceError, Transaction};

/// Links that failed alike.
#[derive(Clone, Debug)]
pub struct FailureGroup {
    /// What they have in common.
    pub fingerprint: String,
    /// The class of the failure.
    pub class: String,
    /// Its code.
    pub code: String,
    /// The message of the newest.
    pub message: String,
    /// How many.
    pub count: i64,
    /// When the oldest of them failed.
    pub first_at: Timestamp,
    /// When the newest of them failed.
    pub last_at: Timestamp,
    /// One of them.
    pub example: LinkId,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    fingerprint: String,
    #[diesel(sql_type = Text)]
    class: String,
    #[diesel(sql_type = Text)]
    code: String,
    #[diesel(sql_type = Text)]
    message: String,
    #[diesel(sql_type = BigInt)]
    count: i64,
    #[diesel(sql_type = Timestamptz)]
    first_at: DateTime<Utc>,
    #[diesel(sql_type = Timestamptz)]
    last_at: DateTime<Utc>,
    #[diesel(sql_type = Text)]
    example: String,
}

impl Row {
    fn into_group(self) -> Result<FailureGroup, PersistenceError> {
        Ok(FailureGroup {
            fingerprint: self.fingerprint,
            class: self.class,
            code: self.code,
            message: self.message,
            count: self.count,
            first_at: self.first_at.into(),
            last_at: self.last_at.into(),
            example: parse("example", &self.example)?,
        })
    }
}

/// Which groups of failures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Groups {
    /// Only that of this fingerprint.
    pub fingerprint: Option<String>,
    /// Behind the group of that size and fingerprint.
    pub after: Option<(i64, String)>,
    /// How many at most.
    pub limit: u32,
}

/// The failures of an integration, the largest group first; at most 100 groups.
///
/// # Errors
/// When the database does not answer.
pub async fn failures(
    tx: &mut Transaction,
    tenant: TenantId,
    integration: IntegrationId,
) -> Result<Vec<FailureGroup>, PersistenceError> {
    groups(tx, (tenant, integration), &Groups { fingerprint: None, after: None, limit: 100 }).await
}

/// Those of its groups of failures that are wanted, the largest first.
///
/// # Errors
/// When the database does not answer.
pub async fn groups(
    tx: &mut Transaction,
    (tenant, integration): (TenantId, IntegrationId),
    wanted: &Groups,
) -> Result<Vec<FailureGroup>, PersistenceError> {
    let (size, fingerprint) = wanted.after.clone().unzip();
    let rows: Vec<Row> = sql_query(
        "SELECT fingerprint, min(error_class) AS class, min(error_code) AS code,
                (array_agg(error_message ORDER BY failed_at DESC))[1] AS message, count(*) AS count,
                min(failed_at) AS first_at, max(failed_at) AS last_at, min(id) AS example
         FROM record_links
         WHERE tenant_id = $1 AND integration_id = $2 AND blocked_at IS NOT NULL AND ($3 IS NULL OR fingerprint = $3)
         GROUP BY fingerprint
         HAVING $4 IS NULL OR count(*) < $4 OR (count(*) = $4 AND fingerprint > $5)
         ORDER BY count DESC, fingerprint LIMIT $6",
    )
    .bind::<Text, _>(tenant.to_string())
    .bind::<Text, _>(integration.to_string())
    .bind::<Nullable<Text>, _>(wanted.fingerprint.as_deref().map(storable))
    .bind::<Nullable<BigInt>, _>(size)
    .bind::<Nullable<Text>, _>(fingerprint.as_deref().map(storable))
    .bind::<BigInt, _>(i64::from(wanted.limit))
    .load(&mut **tx)
    .await?;
    rows.into_iter().map(Row::into_group).collect()
}
