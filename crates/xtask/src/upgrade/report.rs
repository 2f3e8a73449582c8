//! What an upgrade came to: a table by phase, what arrived in the end, and whether that is as it must be.

use std::fmt;

use super::load::Tally;
use crate::session::Count;

/// In these nobody is away: the older version runs, before the new schema and on it.
const UNDISTURBED: usize = 2;

/// How the runs ended that somebody asked for, or the clock.
#[derive(Clone, Copy, Debug)]
pub(super) struct Runs {
    /// With everything in step.
    pub(super) done: usize,
    /// By an error, or not at all in the time that they are given.
    pub(super) otherwise: usize,
}

/// What was counted.
#[derive(Debug)]
pub(super) struct Report {
    /// Each phase of the load, in order.
    pub(super) phases: Vec<(String, Tally)>,
    pub(super) runs: Runs,
    /// What is in the CRM afterwards.
    pub(super) count: Count,
    /// Messages that could not be handled.
    pub(super) dead_letters: u64,
}

impl Report {
    /// Whether nothing was answered wrongly, lost, or done twice, nothing was refused while nobody was away, and every run ended as it
    /// should.
    pub(super) fn is_clean(&self) -> bool {
        let is_right = |(_, tally): &(String, Tally)| tally.wrong == 0 && tally.answered > 0;
        let is_there = |(_, tally): &(String, Tally)| tally.repeated == 0;
        self.phases.iter().all(is_right)
            && self.phases.iter().take(UNDISTURBED).all(is_there)
            && self.runs.done > 0
            && self.runs.otherwise == 0
            && self.count.is_exact()
            && self.dead_letters == 0
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<40}{:>10}{:>10}{:>10}", "phase", "answered", "wrong", "repeated")?;
        for (name, Tally { answered, wrong, repeated }) in &self.phases {
            writeln!(f, "{name:<40}{answered:>10}{wrong:>10}{repeated:>10}")?;
        }
        let Count { distinct_people, in_crm, duplicates, owed, .. } = self.count;
        let lost = distinct_people.saturating_sub(in_crm);
        writeln!(f, "{distinct_people} people: {lost} lost, {duplicates} doubled, {owed} owed")?;
        let Runs { done, otherwise } = self.runs;
        writeln!(f, "{} runs: {done} done, {otherwise} not", done + otherwise)?;
        write!(f, "{} dead letters", self.dead_letters)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let tally = Tally { answered: 30, wrong: 0, repeated: 0 };
        let names = ["the older version", "the older version, on the new schema", "api-gateway replaced"];
        let count =
            Count { accepted: 0, distinct_people: 31, strangers: 0, in_crm: 31, duplicates: 0, owed: 0, seconds: 1.0 };
        let phases = names.map(|name| (name.to_owned(), tally)).to_vec();
        Report { phases, runs: Runs { done: 3, otherwise: 0 }, count, dead_letters: 0 }
    }

    #[test]
    fn what_is_away_while_it_is_replaced_is_no_fault_and_what_refuses_before_is_one() {
        assert!(report().is_clean());
        for (place, clean) in [(0, false), (1, false), (2, true)] {
            let mut report = report();
            report.phases[place].1.repeated = 1;
            assert_eq!(report.is_clean(), clean, "{place}");
            report.phases[place].1 = Tally { answered: 30, wrong: 1, repeated: 0 };
            assert!(!report.is_clean(), "{place}");
        }
    }

    #[test]
    fn whoever_is_lost_or_doubled_or_cannot_be_read_fails_it() {
        let good = report().count;
        for count in [Count { in_crm: 30, ..good }, Count { duplicates: 1, ..good }, Count { owed: 1, ..good }] {
            assert!(!Report { count, ..report() }.is_clean(), "{count:?}");
        }
        let unread = Report { dead_letters: 1, ..report() };
        let told = "31 people: 0 lost, 0 doubled, 0 owed\n3 runs: 3 done, 0 not\n1 dead letters";
        assert!(!unread.is_clean() && unread.to_string().ends_with(told), "{unread}");
    }

    #[test]
    fn a_run_that_fails_or_hangs_fails_it_and_so_does_none_at_all() {
        for runs in [Runs { done: 3, otherwise: 1 }, Runs { done: 0, otherwise: 0 }] {
            assert!(!Report { runs, ..report() }.is_clean(), "{runs:?}");
        }
    }
}
