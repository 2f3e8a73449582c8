//! Samples of the drift: how far each integration is out of step, every few minutes.

use std::time::Duration;

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Double};
use diesel_async::RunQueryDsl;

use crate::statement::sql_query;
use crate::{PersistenceError, Transaction, erasure};

/// Looks how far every live integration is out of step, and keeps one sample for each of the stretches that `every`
/// divides the time into, however many look; returns how many samples it kept.
///
/// # Errors
/// When the database does not answer.
pub async fn sample_drift(tx: &mut Transaction, every: Duration) -> Result<usize, PersistenceError> {
    erasure::hold_off(tx).await?;
    let kept = sql_query(
        "INSERT INTO integration_drift_samples (integration_id, at, tenant_id, owed, blocked)
         SELECT integration.id, to_timestamp(floor(extract(epoch FROM now()) / $1) * $1), integration.tenant_id,
                (SELECT count(*) FROM record_links WHERE integration_id = integration.id AND owed),
                (SELECT count(*) FROM record_links WHERE integration_id = integration.id AND blocked_at IS NOT NULL)
         FROM tenant_integrations AS integration
         WHERE integration.deleted_at IS NULL AND integration.platform <> 'coccinelle'
         ORDER BY integration.id
         ON CONFLICT DO NOTHING",
    )
    .bind::<Double, _>(every.as_secs_f64())
    .execute(&mut **tx)
    .await?;
    Ok(kept)
}

/// What waits, of all tenants together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, QueryableByName)]
pub struct Waiting {
    /// Links that were owed work when it was looked last.
    #[diesel(sql_type = BigInt)]
    pub owed: i64,
    /// Links that a failure blocked then.
    #[diesel(sql_type = BigInt)]
    pub blocked: i64,
    /// Messages that are kept for the broker.
    #[diesel(sql_type = BigInt)]
    pub inbox: i64,
    /// Messages of alerts that are to be sent.
    #[diesel(sql_type = BigInt)]
    pub alerts: i64,
}

/// What waits: by the newest samples, so that no table is counted through once more.
///
/// # Errors
/// When the database does not answer.
pub async fn waiting(tx: &mut Transaction) -> Result<Waiting, PersistenceError> {
    let statement = "
        SELECT coalesce(sum(owed), 0)::bigint AS owed, coalesce(sum(blocked), 0)::bigint AS blocked,
               (SELECT count(*) FROM inbox) AS inbox,
               (SELECT count(*) FROM alert_messages WHERE sent_at IS NULL AND given_up_at IS NULL) AS alerts
        FROM integration_drift_samples WHERE at = (SELECT max(at) FROM integration_drift_samples)";
    Ok(sql_query(statement).get_result(&mut **tx).await?)
}
