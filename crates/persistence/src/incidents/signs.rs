//! What is seen of every live integration: how it is said to be, what its logs and samples show of the last while, and what its runs ask.

use std::time::Duration;

use diesel::QueryableByName;
use diesel::sql_types::{Array, BigInt, Bool, Double, Nullable, Text};
use diesel_async::RunQueryDsl;
use domain::incident::{SILENT, Signs};
use domain::workflow::faults;

use crate::runs::ASKED_ABOUT;
use crate::statement::sql_query;
use crate::text::{from_word, parse};
use crate::{PersistenceError, Transaction};

/// How far back it is looked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Windows {
    /// For attempts and deliveries.
    pub recent: Duration,
    /// For the drift to have lasted.
    pub drift: Duration,
}

/// Attempts that are looked at, of each integration that has failed lately.
const ATTEMPTS: i64 = 50;

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Text)]
    tenant_id: String,
    #[diesel(sql_type = Text)]
    platform: String,
    #[diesel(sql_type = Text)]
    status: String,
    #[diesel(sql_type = Nullable<Text>)]
    cause: Option<String>,
    #[diesel(sql_type = Bool)]
    is_busy: bool,
    #[diesel(sql_type = BigInt)]
    error_count: i64,
    #[diesel(sql_type = Double)]
    failing_for: f64,
    #[diesel(sql_type = BigInt)]
    attempts: i64,
    #[diesel(sql_type = BigInt)]
    failed: i64,
    #[diesel(sql_type = BigInt)]
    unavailable: i64,
    #[diesel(sql_type = BigInt)]
    refused: i64,
    #[diesel(sql_type = Bool)]
    is_verified: bool,
    #[diesel(sql_type = BigInt)]
    silent_polls: i64,
    #[diesel(sql_type = Bool)]
    is_heard_again: bool,
    #[diesel(sql_type = BigInt)]
    owed: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    owed_before: Option<i64>,
    #[diesel(sql_type = BigInt)]
    asked_about: i64,
}

/// The logs are read only of those that have failed or refused something lately, and of these no more than a few rows.
const LOOK: &str = "refusals AS (
    SELECT integration_id, count(*) AS refused FROM integration_webhook_logs
    WHERE outcome = 'refused' AND integration_id IS NOT NULL AND created_at > now() - make_interval(secs => $1)
    GROUP BY integration_id
), silences AS (
    SELECT poll.integration_id, count(*) AS polls FROM sync_runs AS poll
    WHERE poll.counts @? '$.*.unheard ? (@ > 0)' AND poll.created_at > now() - interval '7 days'
      AND NOT EXISTS (SELECT FROM integration_webhook_logs AS since
                      WHERE since.integration_id = poll.integration_id AND since.verified
                        AND since.created_at > poll.created_at)
      -- Who never called cannot have stopped, and whose subscriptions can be looked at, and are in order, is looked at.
      AND EXISTS (SELECT FROM integration_webhook_logs AS before
                  WHERE before.integration_id = poll.integration_id AND before.verified)
      AND NOT EXISTS (SELECT FROM integration_subscriptions AS looked_at
                      WHERE looked_at.integration_id = poll.integration_id AND looked_at.problem IS NULL)
    GROUP BY poll.integration_id
)
SELECT integration.id, integration.tenant_id, integration.platform, health.status,
       coalesce(health.cause, health.last_error) AS cause,
       coalesce(health.last_sync_at > now() - make_interval(secs => $1), false) AS is_busy, health.error_count,
       coalesce(extract(epoch FROM now() - health.failing_since), 0)::double precision AS failing_for,
       coalesce(recent.attempts, 0) AS attempts, coalesce(recent.failed, 0) AS failed,
       coalesce(recent.unavailable, 0) AS unavailable, coalesce(refusals.refused, 0) AS refused,
       refusals.refused IS NOT NULL AND EXISTS (
           SELECT FROM integration_webhook_logs AS good
           WHERE good.integration_id = integration.id AND good.verified
             AND good.created_at > now() - make_interval(secs => $1)) AS is_verified,
       coalesce(silences.polls, 0) AS silent_polls,
       EXISTS (
           SELECT FROM incidents AS silent
           JOIN integration_webhook_logs AS heard ON heard.integration_id = silent.integration_id
           WHERE silent.subject = integration.id AND silent.trigger = 'webhook_removed' AND silent.ended_at IS NULL
             AND silent.detail ->> 'cause' = $5 AND heard.verified AND heard.created_at > silent.opened_at
       ) AS is_heard_again,
       coalesce(newest.owed, 0) AS owed, earlier.owed AS owed_before, coalesce(questions.objects, 0) AS asked_about
FROM tenant_integrations AS integration
JOIN integration_health AS health ON health.integration_id = integration.id
LEFT JOIN refusals ON refusals.integration_id = integration.id
LEFT JOIN silences ON silences.integration_id = integration.id
LEFT JOIN questions ON questions.integration_id = integration.id
LEFT JOIN LATERAL (
    SELECT count(*) AS attempts, count(*) FILTER (WHERE status = 'failed') AS failed,
           count(*) FILTER (WHERE error_class = 'unavailable' AND error_code <> ALL ($4)) AS unavailable
    FROM (
        SELECT status, error_class, error_code FROM integration_sync_logs AS log
        WHERE log.integration_id = integration.id AND log.created_at > now() - make_interval(secs => $1)
        ORDER BY log.created_at DESC LIMIT $3
    ) AS newest
) AS recent ON health.last_error_at > now() - make_interval(secs => $1)
LEFT JOIN LATERAL (
    SELECT owed + blocked AS owed FROM integration_drift_samples AS sample
    WHERE sample.integration_id = integration.id AND sample.at > now() - 2 * make_interval(secs => $2)
    ORDER BY sample.at DESC LIMIT 1
) AS newest ON true
LEFT JOIN LATERAL (
    SELECT owed + blocked AS owed FROM integration_drift_samples AS sample
    WHERE sample.integration_id = integration.id AND sample.at <= now() - make_interval(secs => $2)
      AND sample.at > now() - 4 * make_interval(secs => $2)
    ORDER BY sample.at DESC LIMIT 1
) AS earlier ON true
WHERE integration.deleted_at IS NULL AND integration.enabled AND integration.platform <> 'coccinelle'
ORDER BY integration.id";

/// Looks at every integration that is switched on.
///
/// # Errors
/// When the database does not answer.
pub async fn look(tx: &mut Transaction, windows: Windows) -> Result<Vec<Signs>, PersistenceError> {
    let statement = format!(
        "WITH questions AS (
             SELECT asking.integration_id, count(*) AS objects FROM {ASKED_ABOUT} AND asking.state = 'needs_confirmation'
             GROUP BY asking.integration_id
         ), {LOOK}"
    );
    let rows: Vec<Row> = sql_query(statement)
        .bind::<Double, _>(windows.recent.as_secs_f64())
        .bind::<Double, _>(windows.drift.as_secs_f64())
        .bind::<BigInt, _>(ATTEMPTS)
        // A workflow that is away is no platform that is.
        .bind::<Array<Text>, _>(faults::ALL.to_vec())
        .bind::<Text, _>(SILENT)
        .load(&mut **tx)
        .await?;
    rows.into_iter().map(Row::into_signs).collect()
}

impl Row {
    fn into_signs(self) -> Result<Signs, PersistenceError> {
        Ok(Signs {
            integration_id: parse("id", &self.id)?,
            tenant_id: parse("tenant_id", &self.tenant_id)?,
            platform: parse("platform", &self.platform)?,
            status: from_word("status", self.status)?,
            cause: self.cause,
            is_busy: self.is_busy,
            failures_in_a_row: self.error_count,
            failing_for: Duration::try_from_secs_f64(self.failing_for).unwrap_or_default(),
            attempts: self.attempts,
            failed: self.failed,
            unavailable: self.unavailable,
            refused: self.refused,
            is_verified: self.is_verified,
            silent_polls: self.silent_polls,
            is_heard_again: self.is_heard_again,
            owed: self.owed,
            owed_before: self.owed_before,
            asked_about: self.asked_about,
        })
    }
}
