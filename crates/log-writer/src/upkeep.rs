//! What has its time: the logs' partitions, made ahead of their day and dropped after it; the gateway's sessions, tokens and
//! keys of repetitions, swept when they are over; the drift, looked at. Rows that a tenant wants forgotten earlier are `retention`'s.

use std::time::Duration;

use persistence::{Database, PersistenceError, Scope, idempotency, incidents, log_partitions, sessions, stats, tokens};
use runtime::config::LogWriterSettings;
use tokio_util::sync::CancellationToken;

/// How often the partitions are looked after.
const EVERY: Duration = Duration::from_hours(1);
/// How soon it is tried again when the database did not answer.
const AGAIN: Duration = Duration::from_secs(2);

/// Looks after the partitions for the first time, and goes on trying while the database is away.
///
/// To be waited for before any row is written: PostgreSQL refuses a row that was on its way into the default partition
/// when the partition of its own day was attached.
pub(crate) async fn prepare(database: &Database, settings: &LogWriterSettings, shutdown: &CancellationToken) {
    while let Some(Err(error)) = shutdown.run_until_cancelled(look_after(database, settings)).await {
        report(&error);
        if shutdown.run_until_cancelled(tokio::time::sleep(AGAIN)).await.is_none() {
            return;
        }
    }
}

/// Looks after the partitions every hour, until `shutdown`. Those that it makes are of days to come, so no row is on
/// its way to them.
pub(crate) async fn run(database: &Database, settings: &LogWriterSettings, shutdown: &CancellationToken) {
    while shutdown.run_until_cancelled(tokio::time::sleep(EVERY)).await.is_some() {
        prepare(database, settings, shutdown).await;
    }
}

fn report(error: &PersistenceError) {
    let error: &dyn std::error::Error = error;
    tracing::warn!(error, "the logs' partitions were not looked after; trying again soon");
}

/// Looks every few minutes how far the integrations are out of step, until `shutdown`. One look that fails is a gap.
pub(crate) async fn sample(database: &Database, every: Duration, shutdown: &CancellationToken) {
    loop {
        if let Some(Err(error)) = shutdown.run_until_cancelled(look_at_drift(database, every)).await {
            let error: &dyn std::error::Error = &error;
            tracing::warn!(error, "the drift was not looked at");
        }
        if shutdown.run_until_cancelled(tokio::time::sleep(every)).await.is_none() {
            return;
        }
    }
}

async fn look_at_drift(database: &Database, every: Duration) -> Result<(), PersistenceError> {
    let mut transaction = database.begin(Scope::System).await?;
    stats::sample_drift(&mut transaction, every).await?;
    let waiting = stats::waiting(&mut transaction).await?;
    transaction.commit().await?;
    for (gauge, count) in [
        (metrics::gauge!("coccinelle_owed_records"), waiting.owed),
        (metrics::gauge!("coccinelle_blocked_records"), waiting.blocked),
        (metrics::gauge!("coccinelle_inbox_messages"), waiting.inbox),
        (metrics::gauge!("coccinelle_alert_messages_waiting"), waiting.alerts),
    ] {
        gauge.set(f64::from(u32::try_from(count).unwrap_or(u32::MAX)));
    }
    Ok(())
}

/// Each is a transaction of its own: nothing that hinders a later one may undo an earlier one.
async fn look_after(database: &Database, settings: &LogWriterSettings) -> Result<(), PersistenceError> {
    let mut transaction = database.begin(Scope::System).await?;
    log_partitions::ensure(&mut transaction, days(settings.partitions_ahead_days)).await?;
    transaction.commit().await?;
    let mut transaction = database.begin(Scope::System).await?;
    log_partitions::drop_older(&mut transaction, days(settings.retention_days)).await?;
    stats::drop_older(&mut transaction, days(settings.retention_days)).await?;
    incidents::drop_older(&mut transaction, days(settings.retention_days)).await?;
    transaction.commit().await?;
    let mut transaction = database.begin(Scope::System).await?;
    sessions::sweep(&mut transaction).await?;
    tokens::sweep(&mut transaction).await?;
    idempotency::sweep(&mut transaction).await?;
    transaction.commit().await
}

fn days(days: u32) -> u16 {
    u16::try_from(days).unwrap_or(u16::MAX)
}
