//! What one lane holds, and what is known of it. Whose it is, and who works it off, is the others' to know.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// A lane that refills itself tells others of what it leaves no more often: who is idle hears of it soon enough, and a publish for each batch
/// costs more than it brings.
const SHARE_EVERY: Duration = Duration::from_secs(1);

/// Announcements of one integration, and how many work them off.
#[derive(Debug)]
pub(super) struct Lane<D> {
    waiting: VecDeque<D>,
    /// Announcements that were made since it was last empty and have not arrived; another dispatcher may have taken them.
    coming: usize,
    /// Batches under way.
    pub(super) running: usize,
    /// Whether announcements were left to the database, from which the lane refills itself.
    pub(super) overflowed: bool,
    /// Whether the last batch found that nobody can call the integration now: then nothing is fetched for it.
    pub(super) rests: bool,
    /// When others were last told of what it leaves.
    shared_at: Option<Instant>,
}

impl<D> Default for Lane<D> {
    fn default() -> Self {
        Self { waiting: VecDeque::new(), coming: 0, running: 0, overflowed: false, rests: false, shared_at: None }
    }
}

impl<D> Lane<D> {
    /// Whether it holds `most` already. What comes then is left to the database.
    fn overflows(&mut self, most: usize) -> bool {
        let is_full = self.waiting.len() >= most;
        self.overflowed |= is_full;
        is_full
    }

    /// Whether it has room for one announcement more, beside those that are coming: counts it then, and leaves it to the database else.
    pub(super) fn expects(&mut self, most: usize) -> bool {
        let has_room = self.waiting.len() + self.coming < most;
        self.coming += usize::from(has_room);
        self.overflowed |= !has_room;
        has_room
    }

    /// Takes one in that has arrived, unless it holds `most` already: that is given back, and left to the database.
    pub(super) fn admit(&mut self, arrived: D, most: usize) -> Option<D> {
        self.coming = self.coming.saturating_sub(1);
        if self.overflows(most) {
            return Some(arrived);
        }
        self.waiting.push_back(arrived);
        None
    }

    /// Takes what waits, so many at most.
    pub(super) fn take(&mut self, most: usize) -> Vec<D> {
        let taken = self.waiting.drain(..self.waiting.len().min(most)).collect();
        if self.waiting.is_empty() {
            self.coming = 0;
        }
        taken
    }

    /// Lets go of everything but the count of who is under way.
    pub(super) fn let_go(&mut self) {
        *self = Self { running: self.running, ..Self::default() };
    }

    /// Whether others are to be told of what it leaves; counted as done.
    pub(super) fn shares(&mut self, now: Instant) -> bool {
        let is_due = self.shared_at.is_none_or(|at| now.duration_since(at) >= SHARE_EVERY);
        if is_due {
            self.shared_at = Some(now);
        }
        is_due
    }

    /// Whether somebody is to look in the database, whom this tells so alone.
    pub(super) fn refills(&mut self) -> bool {
        !self.rests && std::mem::take(&mut self.overflowed)
    }

    /// Counts one worker more, where there are not `parallel` of them already; whether one is to begin.
    pub(super) fn takes_on_another(&mut self, parallel: usize) -> bool {
        let starts = self.running < parallel;
        self.running += usize::from(starts);
        starts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lane_that_is_full_leaves_the_rest_to_the_database_and_looks_there_later() {
        let mut lane = Lane::default();
        for number in 0..2 {
            assert!(lane.admit(number, 2).is_none() && !lane.overflowed);
        }
        assert!(lane.admit(2, 2) == Some(2) && lane.overflowed);
        assert_eq!(lane.take(100), [0, 1]);
        assert!(lane.admit(3, 2).is_none() && lane.overflowed, "it has not looked there yet");
    }

    #[test]
    fn what_is_on_its_way_to_a_lane_fills_it_until_it_is_empty() {
        let mut lane: Lane<()> = Lane::default();
        assert_eq!([lane.expects(2), lane.expects(2)], [true; 2]);
        assert!(!lane.overflowed);
        assert!(!lane.expects(2) && lane.overflowed, "nothing has arrived, and it is full of what will");
        // One arrives; the other one another dispatcher has taken.
        assert_eq!(lane.admit((), 2), None);
        assert!(!lane.expects(2));
        assert_eq!(lane.take(2).len(), 1);
        assert!(lane.expects(2), "it waits for what never arrives");
    }

    #[test]
    fn what_a_lane_leaves_is_told_once_in_a_while() {
        let (mut lane, now): (Lane<()>, _) = (Lane::default(), Instant::now());
        let told = [Duration::ZERO, SHARE_EVERY / 2, SHARE_EVERY, SHARE_EVERY * 3 / 2].map(|later| now + later);
        assert_eq!(told.map(|at| lane.shares(at)), [true, false, true, false]);
    }

    #[test]
    fn a_lane_has_no_more_workers_than_it_may_have_and_again_as_many_once_some_have_left() {
        let mut lane: Lane<()> = Lane::default();
        let began = |lane: &mut Lane<()>| (0..5).filter(|_| lane.takes_on_another(3)).count();
        assert_eq!(began(&mut lane), 3);
        lane.running -= 2;
        assert_eq!((began(&mut lane), lane.running), (2, 3));
    }

    #[test]
    fn nothing_is_fetched_for_an_integration_that_nobody_can_call_and_else_by_one_worker_at_a_time() {
        let mut lane: Lane<()> = Lane { overflowed: true, rests: true, ..Lane::default() };
        assert!(!lane.refills());
        lane.rests = false;
        assert_eq!([lane.refills(), lane.refills()], [true, false]);
    }
}
