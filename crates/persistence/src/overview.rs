//! The whole in numbers, for operators: what is owed, what is blocked, what waits and for how long, how integrations are. Nothing of
//! any tenant.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use serde::Serialize;

use crate::statement::sql_query;
use crate::{PersistenceError, Transaction};

/// The whole in numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, QueryableByName)]
pub struct Overview {
    /// Tenants.
    #[diesel(sql_type = BigInt)]
    pub tenants: i64,
    /// Integrations with platforms that are switched on.
    #[diesel(sql_type = BigInt)]
    pub integrations: i64,
    /// Links that are out of step.
    #[diesel(sql_type = BigInt)]
    pub owed: i64,
    /// Since when the oldest of them is.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub owed_since: Option<DateTime<Utc>>,
    /// For how many seconds the oldest of those has been that could be worked on: of an integration with a platform that takes
    /// changes at once, is switched on and connected, and is answered.
    #[diesel(sql_type = BigInt)]
    pub lag_seconds: i64,
    /// Links that a failure blocks.
    #[diesel(sql_type = BigInt)]
    pub blocked: i64,
    /// Messages that were accepted while the broker was away, and wait for it.
    #[diesel(sql_type = BigInt)]
    pub inbox: i64,
    /// For how many seconds the oldest of these has.
    #[diesel(sql_type = BigInt)]
    pub inbox_seconds: i64,
    /// Full and scheduled syncs that are under way.
    #[diesel(sql_type = BigInt)]
    pub runs: i64,
    /// Incidents that go on.
    #[diesel(sql_type = BigInt)]
    pub incidents: i64,
    /// Messages to people that are still to be sent.
    #[diesel(sql_type = BigInt)]
    pub alerts_waiting: i64,
    /// When the newest attempt was written into the log.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub newest_log: Option<DateTime<Utc>>,
}

/// How many integrations of a platform are in a state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, QueryableByName)]
pub struct States {
    /// Which platform.
    #[diesel(sql_type = Text)]
    pub platform: String,
    /// How they are.
    #[diesel(sql_type = Text)]
    pub status: String,
    /// How many.
    #[diesel(sql_type = BigInt)]
    pub count: i64,
}

/// The numbers as they are.
///
/// # Errors
/// When the database does not answer.
pub async fn read(tx: &mut Transaction) -> Result<Overview, PersistenceError> {
    let statement = "
        SELECT (SELECT count(*) FROM tenants) AS tenants,
               (SELECT count(*) FROM tenant_integrations
                WHERE deleted_at IS NULL AND enabled AND platform <> 'coccinelle') AS integrations,
               (SELECT count(*) FROM record_links WHERE owed) AS owed,
               (SELECT min(owed_since) FROM record_links WHERE owed) AS owed_since,
               (SELECT coalesce(extract(epoch FROM now() - min(link.owed_since)), 0)::bigint
                FROM record_links AS link JOIN tenant_integrations AS integration ON integration.id = link.integration_id
                LEFT JOIN integration_health AS health ON health.integration_id = integration.id
                WHERE link.owed AND integration.enabled AND integration.deleted_at IS NULL
                  AND integration.platform <> 'coccinelle' AND integration.frequency = 'realtime'
                  AND health.status IS DISTINCT FROM 'reauth_required'
                  AND NOT EXISTS (
                      SELECT FROM breakers AS breaker
                      WHERE breaker.subject IN (integration.id, integration.platform)
                        AND breaker.opened_at IS NOT NULL)) AS lag_seconds,
               (SELECT count(*) FROM record_links WHERE blocked_at IS NOT NULL) AS blocked,
               (SELECT count(*) FROM inbox) AS inbox,
               (SELECT coalesce(extract(epoch FROM now() - min(created_at)), 0)::bigint FROM inbox) AS inbox_seconds,
               (SELECT count(*) FROM sync_runs WHERE ended_at IS NULL) AS runs,
               (SELECT count(*) FROM incidents WHERE ended_at IS NULL) AS incidents,
               (SELECT count(*) FROM alert_messages WHERE sent_at IS NULL AND given_up_at IS NULL) AS alerts_waiting,
               (SELECT max(last_sync_at) FROM integration_health) AS newest_log";
    Ok(sql_query(statement).get_result(&mut **tx).await?)
}

/// How the integrations are, platform by platform.
///
/// # Errors
/// When the database does not answer.
pub async fn states(tx: &mut Transaction) -> Result<Vec<States>, PersistenceError> {
    let statement = "
        SELECT integration.platform, health.status, count(*) AS count
        FROM tenant_integrations AS integration JOIN integration_health AS health ON health.integration_id = integration.id
        WHERE integration.deleted_at IS NULL GROUP BY 1, 2 ORDER BY 1, 2";
    Ok(sql_query(statement).load(&mut **tx).await?)
}
