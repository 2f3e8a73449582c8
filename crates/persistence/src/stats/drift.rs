//! Samples of the drift: how far each integration is out of step, every few minutes.

use std::time::Duration;

use diesel::sql_query;
use diesel::sql_types::Double;
use diesel_async::RunQueryDsl;

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
