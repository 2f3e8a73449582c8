//! Rate limits that count the requests of a moving window. How many are allowed is each platform's.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// The requests of the last moments.
#[derive(Debug)]
pub(crate) struct Window {
    length: Duration,
    taken: VecDeque<Instant>,
}

impl Window {
    pub(crate) const fn of(length: Duration) -> Self {
        Self { length, taken: VecDeque::new() }
    }

    /// Takes a place if one of `most` is free, and says how many remain.
    pub(crate) fn take(&mut self, most: u32, now: Instant) -> Option<usize> {
        while self.taken.front().is_some_and(|first| now.duration_since(*first) >= self.length) {
            self.taken.pop_front();
        }
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        if self.taken.len() >= most {
            return None;
        }
        self.taken.push_back(now);
        Some(most.saturating_sub(self.taken.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_comes_back_when_its_window_has_passed() {
        let start = Instant::now();
        let mut window = Window::of(Duration::from_secs(10));
        assert_eq!(window.take(2, start), Some(1));
        assert_eq!(window.take(2, start + Duration::from_secs(4)), Some(0));
        assert_eq!(window.take(2, start + Duration::from_secs(9)), None);
        assert_eq!(window.take(2, start + Duration::from_secs(10)), Some(0));
        assert_eq!(window.take(2, start + Duration::from_secs(13)), None);
    }
}
