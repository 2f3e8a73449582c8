//! Failures: links that are blocked, in groups that one remedy mends, and their replay.

use chrono::{DateTime, Utc};
use diesel::sql_types::{BigInt, Nullable, Text, Timestamptz};
use diesel::{QueryableByName, sql_query};
use diesel_async::RunQueryDsl;
use domain::id::{IntegrationId, LinkId, TenantId};
use domain::message::RecordPush;
use domain::time::Timestamp;

use super::{PushRow, into_pushes};
use crate::text::parse;
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

/// The failures of an integration, the largest group first; at most 100 groups.
///
/// # Errors
/// When the database does not answer.
pub async fn failures(
    tx: &mut Transaction,
    tenant: TenantId,
    integration: IntegrationId,
) -> Result<Vec<FailureGroup>, PersistenceError> {
    let rows: Vec<Row> = sql_query(
        "SELECT fingerprint, min(error_class) AS class, min(error_code) AS code,
                (array_agg(error_message ORDER BY failed_at DESC))[1] AS message, count(*) AS count,
                min(failed_at) AS first_at, max(failed_at) AS last_at, min(id) AS example
         FROM record_links
         WHERE tenant_id = $1 AND integration_id = $2 AND blocked_at IS NOT NULL
         GROUP BY fingerprint ORDER BY count DESC, fingerprint LIMIT 100",
    )
    .bind::<Text, _>(tenant.to_string())
    .bind::<Text, _>(integration.to_string())
    .load(&mut **tx)
    .await?;
    rows.into_iter().map(Row::into_group).collect()
}

/// Unblocks the failures of an integration, all or one group, and names them.
///
/// # Errors
/// When the database does not answer.
pub async fn replay(
    tx: &mut Transaction,
    tenant: TenantId,
    integration: IntegrationId,
    fingerprint: Option<&str>,
) -> Result<Vec<RecordPush>, PersistenceError> {
    let rows: Vec<PushRow> = sql_query(
        "UPDATE record_links SET blocked_at = NULL, attempts = 0, not_before = NULL,
             owed_since = coalesce(owed_since, now()), announced_at = now()
         WHERE tenant_id = $1 AND integration_id = $2 AND blocked_at IS NOT NULL
           AND ($3 IS NULL OR fingerprint = $3)
         RETURNING id, tenant_id, integration_id",
    )
    .bind::<Text, _>(tenant.to_string())
    .bind::<Text, _>(integration.to_string())
    .bind::<Nullable<Text>, _>(fingerprint)
    .load(&mut **tx)
    .await?;
    into_pushes(rows)
}
