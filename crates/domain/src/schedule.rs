//! When runs are due: regular times, spread over the integrations. Making the run of a time is the dispatcher's.

use std::time::Duration;

use crate::id::IntegrationId;
use crate::integration::Frequency;
use crate::time::Timestamp;

const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// How often an integration runs.
///
/// `poll_every` is how often one that is told of changes at once looks for those that it was not told of. Before the first run
/// was completed, nobody waits for longer than an hour.
#[must_use]
pub fn period(frequency: Frequency, poll_every: Duration, is_first: bool) -> Duration {
    let period = match frequency {
        Frequency::Realtime => poll_every,
        Frequency::Hourly => HOUR,
        Frequency::Daily => DAY,
    };
    if is_first { period.min(HOUR) } else { period }
}

/// The newest due time at or before `now`.
///
/// The times of an integration are the same in every process and lie elsewhere in the period than those of the others, so
/// that not all tenants' runs begin at midnight.
#[must_use]
pub fn last_due(integration: IntegrationId, period: Duration, now: Timestamp) -> Timestamp {
    let period = i64::try_from(period.as_millis()).unwrap_or(i64::MAX).max(1);
    let spread = i64::try_from(integration.as_u128() % u128::from(period.unsigned_abs())).unwrap_or_default();
    let since = now.as_millis().saturating_sub(spread).rem_euclid(period);
    Timestamp::from_millis(now.as_millis().saturating_sub(since)).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis).unwrap()
    }

    proptest! {
        #[test]
        fn due_times_come_once_a_period_and_never_lie_ahead(now in 0i64..4_000_000_000_000, seconds in 1u64..200_000) {
            let (id, period) = (IntegrationId::new(), Duration::from_secs(seconds));
            let due = last_due(id, period, at(now));
            prop_assert!(due <= at(now) && due.until(at(now)) < period);
            prop_assert_eq!(last_due(id, period, due), due);
            prop_assert_eq!(last_due(id, period, due.plus(period)), due.plus(period));
        }
    }

    #[test]
    fn daily_runs_are_spread_over_the_day() {
        let midnight = at(1_795_305_600_000);
        let hours: std::collections::BTreeSet<u64> = (0..200)
            .map(|_| last_due(IntegrationId::new(), DAY, midnight).until(midnight).as_secs() / HOUR.as_secs())
            .collect();
        assert!(hours.len() > 12, "{hours:?}");
    }

    #[test]
    fn the_first_run_is_not_waited_for_for_a_day() {
        assert_eq!(period(Frequency::Daily, HOUR, true), HOUR);
        assert_eq!(period(Frequency::Daily, HOUR, false), DAY);
        assert_eq!(period(Frequency::Realtime, Duration::from_secs(900), true), Duration::from_secs(900));
    }
}
