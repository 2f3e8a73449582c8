//! The logs' partitions: made ahead of their day, dropped when their time is over. Rows are the writer's.

use std::time::Duration;

use persistence::{Database, PersistenceError, Scope, log_partitions};
use runtime::config::LogWriterSettings;
use tokio_util::sync::CancellationToken;

/// How often the partitions are looked after.
const EVERY: Duration = Duration::from_hours(1);
/// How soon it is tried again when the database did not answer.
const AGAIN: Duration = Duration::from_secs(10);

/// Looks after the partitions, at once and then every hour, until `shutdown`.
pub(crate) async fn run(database: &Database, settings: &LogWriterSettings, shutdown: &CancellationToken) {
    loop {
        let wait = match look_after(database, settings).await {
            Ok(()) => EVERY,
            Err(error) => {
                let error: &dyn std::error::Error = &error;
                tracing::warn!(error, "the logs' partitions were not looked after; trying again soon");
                AGAIN
            }
        };
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// Making and dropping are two transactions: nothing that hinders the second may undo the first.
async fn look_after(database: &Database, settings: &LogWriterSettings) -> Result<(), PersistenceError> {
    let mut transaction = database.begin(Scope::System).await?;
    log_partitions::ensure(&mut transaction, days(settings.partitions_ahead_days)).await?;
    transaction.commit().await?;
    let mut transaction = database.begin(Scope::System).await?;
    log_partitions::drop_older(&mut transaction, days(settings.retention_days)).await?;
    transaction.commit().await
}

fn days(days: u32) -> u16 {
    u16::try_from(days).unwrap_or(u16::MAX)
}
