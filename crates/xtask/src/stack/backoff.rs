//! How long to wait before a crashed process is started again.

use std::time::Duration;

/// Doubles the pause from `first` to `longest`; a process that ran for `steady` starts from the beginning.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    /// The pause after the first crash.
    pub first: Duration,
    /// The longest pause.
    pub longest: Duration,
    /// A process that has run this long is not in a crash loop.
    pub steady: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { first: Duration::from_secs(1), longest: Duration::from_secs(30), steady: Duration::from_secs(60) }
    }
}

impl Backoff {
    /// The pause after a process that ran for `ran`, when the pause before it was `last`.
    #[must_use]
    pub fn next(&self, last: Option<Duration>, ran: Duration) -> Duration {
        match last {
            Some(last) if ran < self.steady => last.saturating_mul(2).min(self.longest),
            Some(_) | None => self.first,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_to_the_longest_and_starts_anew_after_a_steady_run() {
        let backoff = Backoff::default();
        let short = Duration::from_millis(10);
        let mut pauses = Vec::new();
        let mut last = None;
        for _ in 0..7 {
            last = Some(backoff.next(last, short));
            pauses.extend(last.map(|pause| pause.as_secs()));
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 30, 30]);
        assert_eq!(backoff.next(last, Duration::from_secs(61)), Duration::from_secs(1));
    }
}
