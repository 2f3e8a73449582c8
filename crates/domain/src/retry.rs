//! When a failed attempt is made again. Waiting itself is done by the broker.

use std::time::Duration;

/// The least wait after a platform said "too many requests".
const RATE_LIMITED_MINIMUM: Duration = Duration::from_secs(60);

/// The waits between attempts, one after the other; each is also a tier of the broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetrySchedule(Vec<Duration>);

impl Default for RetrySchedule {
    fn default() -> Self {
        Self([5, 30, 120, 600, 3_600, 21_600].map(Duration::from_secs).to_vec())
    }
}

/// A schedule must have at least one wait, in ascending order, none of them zero.
#[derive(Debug, thiserror::Error)]
#[error("a retry schedule is a list of waits in ascending order, none of them zero")]
pub struct InvalidSchedule;

impl RetrySchedule {
    /// A schedule of these waits.
    ///
    /// # Errors
    /// When the list is empty, not ascending or holds a zero.
    pub fn new(waits: Vec<Duration>) -> Result<Self, InvalidSchedule> {
        let positive = waits.first().is_some_and(|first| !first.is_zero());
        if positive && waits.is_sorted_by(|a, b| a < b) { Ok(Self(waits)) } else { Err(InvalidSchedule) }
    }

    /// The tiers, shortest first.
    #[must_use]
    pub fn tiers(&self) -> &[Duration] {
        &self.0
    }

    /// How long to wait after the failure of `attempt` (1 is the first); `None` when no attempt is left.
    ///
    /// `jitter` lies between -1 and 1 and moves the wait by up to 20 %. What the platform asked for is waited in full.
    #[must_use]
    pub fn wait(&self, attempt: u32, jitter: f64, asked: Asked) -> Option<Duration> {
        let index = usize::try_from(attempt).ok()?.checked_sub(1)?;
        let planned = self.0.get(index)?.mul_f64(1.0 + 0.2 * jitter.clamp(-1.0, 1.0));
        let minimum = if asked.rate_limited { RATE_LIMITED_MINIMUM } else { Duration::ZERO };
        Some(planned.max(minimum).max(asked.retry_after.unwrap_or_default()))
    }

    /// The tier in which a message waits when `rest` is left: the largest that fits, else the smallest.
    #[must_use]
    pub fn tier_for(&self, rest: Duration) -> Duration {
        let fits = self.0.iter().rev().find(|tier| **tier <= rest);
        fits.or(self.0.first()).copied().unwrap_or(rest)
    }
}

/// What the platform asked for when it failed the attempt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// Whether it answered that there were too many requests.
    pub rate_limited: bool,
    /// Its `Retry-After`.
    pub retry_after: Option<Duration>,
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn waits_by_the_schedule_and_then_gives_up() {
        let schedule = RetrySchedule::default();
        let waits: Vec<_> =
            (1..=7).map(|attempt| schedule.wait(attempt, 0.0, Asked::default()).map(|wait| wait.as_secs())).collect();
        assert_eq!(waits, [Some(5), Some(30), Some(120), Some(600), Some(3_600), Some(21_600), None]);
    }

    #[test]
    fn waits_what_the_platform_asked_in_full() {
        let asked = Asked { rate_limited: true, retry_after: Some(90 * SECOND) };
        assert_eq!(RetrySchedule::default().wait(1, -1.0, asked), Some(90 * SECOND));
    }

    #[test]
    fn waits_a_minute_at_least_when_rate_limited() {
        let asked = Asked { rate_limited: true, retry_after: None };
        assert_eq!(RetrySchedule::default().wait(1, 1.0, asked), Some(60 * SECOND));
    }

    #[test]
    fn a_message_waits_in_the_largest_tier_that_fits() {
        let schedule = RetrySchedule::default();
        let tiers = [1, 5, 29, 31, 7_200].map(|rest| schedule.tier_for(rest * SECOND).as_secs());
        assert_eq!(tiers, [5, 5, 5, 30, 3_600]);
    }
}
