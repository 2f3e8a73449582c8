//! What the scheduler has to know of each integration, and forgetting what it made long ago. When a run is due is `domain::schedule`'s.

use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Bool, Double, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use domain::id::{IntegrationId, TenantId};
use domain::integration::Frequency;
use domain::platform::PlatformSlug;
use domain::time::Timestamp;

use super::row::UNDER_WAY;
use crate::statement::sql_query;
use crate::text::{from_word, parse};
use crate::{PersistenceError, Transaction};

/// An integration that is switched on, not parked, and has no run under way.
#[derive(Clone, Debug)]
pub struct Schedulable {
    /// Whose.
    pub tenant: TenantId,
    /// Which.
    pub integration: IntegrationId,
    /// Of which platform.
    pub platform: PlatformSlug,
    /// How often.
    pub frequency: Frequency,
    /// When it was made: no time before counts as missed.
    pub created_at: Timestamp,
    /// The newest time for which there was a run.
    pub last_due: Option<Timestamp>,
    /// Whether any run was completed.
    pub has_completed: bool,
    /// When the last one that walked everything began, whatever was answered to its deletions.
    pub last_walk: Option<Timestamp>,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Text)]
    tenant_id: String,
    #[diesel(sql_type = Text)]
    platform: String,
    #[diesel(sql_type = Text)]
    frequency: String,
    #[diesel(sql_type = Timestamptz)]
    created_at: DateTime<Utc>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    last_due: Option<DateTime<Utc>>,
    #[diesel(sql_type = Bool)]
    has_completed: bool,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    last_walk: Option<DateTime<Utc>>,
}

impl Row {
    fn into_schedulable(self) -> Result<Schedulable, PersistenceError> {
        Ok(Schedulable {
            tenant: parse("tenant_id", &self.tenant_id)?,
            integration: parse("id", &self.id)?,
            platform: parse("platform", &self.platform)?,
            frequency: from_word("frequency", self.frequency)?,
            created_at: self.created_at.into(),
            last_due: self.last_due.map(Timestamp::from),
            has_completed: self.has_completed,
            last_walk: self.last_walk.map(Timestamp::from),
        })
    }
}

/// The integrations that may be due, in the order of their ids behind `after`.
///
/// # Errors
/// When the database does not answer.
pub async fn schedulable(
    tx: &mut Transaction,
    after: Option<IntegrationId>,
    limit: i64,
) -> Result<Vec<Schedulable>, PersistenceError> {
    let rows: Vec<Row> = sql_query(format!(
        "SELECT integration.id, integration.tenant_id, platform, frequency,
                integration.created_at, past.last_due, coalesce(past.has_completed, false) AS has_completed,
                past.last_walk
         FROM tenant_integrations AS integration
         LEFT JOIN integration_health AS health ON health.integration_id = integration.id
         CROSS JOIN LATERAL (
             SELECT max(due_at) AS last_due, bool_or(state = 'done') AS has_completed,
                    bool_or({UNDER_WAY}) AS is_under_way,
                    -- Whoever waits at the removals for an answer, or got one, has walked everything as well.
                    max(started_at) FILTER (
                        WHERE mode = 'full' AND (state = 'done' OR confirmed
                            OR state IN ('needs_confirmation', 'cancelled') AND position ->> 'step' = 'remove')
                    ) AS last_walk
             FROM sync_runs WHERE integration_id = integration.id
         ) AS past
         WHERE enabled AND deleted_at IS NULL AND platform <> 'coccinelle' AND past.is_under_way IS NOT TRUE
           AND health.status IS DISTINCT FROM 'reauth_required' AND ($1 IS NULL OR integration.id > $1)
         ORDER BY integration.id LIMIT $2"
    ))
    .bind::<Nullable<Text>, _>(after.map(|id| id.to_string()))
    .bind::<BigInt, _>(limit)
    .load(&mut **tx)
    .await?;
    rows.into_iter().map(Row::into_schedulable).collect()
}

/// Forgets runs that the clock asked for and that ended `age` ago or longer; at most `limit`. Returns how many.
///
/// The last completed ones stay: the next listing begins where they ended.
///
/// # Errors
/// When the database does not answer.
pub async fn forget(tx: &mut Transaction, age: Duration, limit: i64) -> Result<usize, PersistenceError> {
    let forgotten = sql_query(
        "DELETE FROM sync_runs WHERE id IN (
             SELECT id FROM sync_runs AS old
             WHERE trigger = 'scheduled' AND ended_at < now() - make_interval(secs => $1)
               AND EXISTS (SELECT FROM sync_runs AS newer
                           WHERE newer.integration_id = old.integration_id AND newer.id > old.id
                             AND newer.state = 'done'
                             AND newer.marks ?& ARRAY(SELECT jsonb_object_keys(old.marks)))
             LIMIT $2)",
    )
    .bind::<Double, _>(age.as_secs_f64())
    .bind::<BigInt, _>(limit)
    .execute(&mut **tx)
    .await?;
    Ok(forgotten)
}
