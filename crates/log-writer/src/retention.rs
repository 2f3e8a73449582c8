//! Forgetting, every night, the rows that a tenant wants kept for less time than anybody's, and what the audit log holds beyond its
//! time; some at a time, so that nobody waits.

use std::time::Duration;

use chrono::{DateTime, Days, NaiveTime, Utc};
use persistence::log_retention::{self, Log};
use persistence::{Database, PersistenceError, Scope, audit};
use runtime::config::LogWriterSettings;
use tokio_util::sync::CancellationToken;

/// How soon it is tried again when the database did not answer.
const AGAIN: Duration = Duration::from_mins(5);

/// Forgets once at the start, so that a process which never lives through a night forgets as well, and then every night.
pub(crate) async fn run(database: &Database, settings: &LogWriterSettings, shutdown: &CancellationToken) {
    loop {
        let wait = match shutdown.run_until_cancelled(forget(database, settings)).await {
            None => return,
            Some(Ok(forgotten)) => {
                tracing::info!(rows = forgotten, "forgot what has had its time");
                until_hour(Utc::now(), settings.retention_hour)
            }
            Some(Err(error)) => {
                let error: &dyn std::error::Error = &error;
                tracing::warn!(error, "the night's forgetting was broken off; trying again soon");
                AGAIN
            }
        };
        if shutdown.run_until_cancelled(tokio::time::sleep(wait)).await.is_none() {
            return;
        }
    }
}

/// Two processes that do so at once find half of the rows each.
async fn forget(database: &Database, settings: &LogWriterSettings) -> Result<usize, PersistenceError> {
    let limit = settings.retention_rows.max(1);
    let mut transaction = database.begin(Scope::System).await?;
    let wishes = log_retention::wishes(&mut transaction).await?;
    transaction.commit().await?;
    let mut forgotten = 0;
    for (wish, log) in wishes.iter().flat_map(|wish| Log::ALL.map(|log| (wish, log))) {
        loop {
            let mut transaction = database.begin(Scope::System).await?;
            let rows = log_retention::forget(&mut transaction, log, wish, limit).await?;
            transaction.commit().await?;
            forgotten += rows;
            if rows == 0 {
                break;
            }
        }
    }
    loop {
        let mut transaction = database.begin(Scope::System).await?;
        let rows = audit::forget(&mut transaction, settings.audit_days, limit).await?;
        transaction.commit().await?;
        forgotten += rows;
        if rows == 0 {
            return Ok(forgotten);
        }
    }
}

/// How long it is until that hour, of today or tomorrow.
fn until_hour(now: DateTime<Utc>, hour: u32) -> Duration {
    let time = NaiveTime::from_hms_opt(hour, 0, 0).unwrap_or_default();
    let today = now.date_naive().and_time(time).and_utc();
    let next = if today > now { Some(today) } else { today.checked_add_days(Days::new(1)) };
    next.and_then(|next| (next - now).to_std().ok()).unwrap_or(Duration::from_hours(24))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_night_comes_once_a_day() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        assert_eq!(until_hour(at("2026-11-27T01:30:00Z"), 3), Duration::from_mins(90));
        assert_eq!(until_hour(at("2026-11-27T03:00:00Z"), 3), Duration::from_hours(24));
        assert_eq!(until_hour(at("2026-12-31T23:00:00Z"), 3), Duration::from_hours(4));
    }
}
