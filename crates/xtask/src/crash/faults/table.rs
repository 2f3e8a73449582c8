//! The table of what came of each fault, and whether all of it is as it should be.

use std::fmt;

use crate::crash::Verdict;

/// What came of one fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Row {
    /// It happened, and this was counted.
    Counted {
        /// Events that were answered with 202.
        accepted: u64,
        /// What is not there in the end.
        lost: u64,
        /// What is there more than once.
        twice: u64,
        /// What is not in step, has no reader or waits in a queue.
        owed: u64,
        /// From its end until all was in step.
        seconds: u64,
    },
    /// It cannot happen on this machine.
    Skipped(String),
    /// It could not be made to happen, or the system did not come back.
    Broken(String),
}

impl Row {
    /// The sums of a count.
    #[must_use]
    pub fn of(verdict: &Verdict) -> Self {
        Self::Counted {
            accepted: verdict.accepted,
            lost: verdict.tallies.iter().map(|(_, tally)| tally.lost).sum(),
            twice: verdict.tallies.iter().map(|(_, tally)| tally.twice).sum(),
            owed: verdict.owed + verdict.dead + verdict.queued,
            seconds: verdict.until_in_step,
        }
    }

    /// Whether something was accepted and nothing was lost, doubled or left; what was skipped is no failure.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        match self {
            Self::Counted { accepted, lost, twice, owed, .. } => *accepted > 0 && (*lost, *twice, *owed) == (0, 0, 0),
            Self::Skipped(_) => true,
            Self::Broken(_) => false,
        }
    }
}

/// The rows by the names of their faults.
#[derive(Clone, Debug, Default)]
pub struct Table(pub Vec<(&'static str, Row)>);

impl Table {
    /// Whether every row is.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.0.iter().all(|(_, row)| row.is_clean())
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| fault | accepted | lost | twice | owed | seconds until in step |")?;
        write!(f, "|---|---:|---:|---:|---:|---:|")?;
        for (name, row) in &self.0 {
            match row {
                Row::Counted { accepted, lost, twice, owed, seconds } => {
                    write!(f, "\n| {name} | {accepted} | {lost} | {twice} | {owed} | {seconds} |")?;
                }
                Row::Skipped(reason) => write!(f, "\n| {name} | SKIPPED: {reason} | – | – | – | – |")?,
                Row::Broken(error) => write!(f, "\n| {name} | FAILED: {error} | – | – | – | – |")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crash::verdict::Tally;

    fn verdict(lost: u64, twice: u64) -> Verdict {
        let tally = Tally { expected: 3, lost, twice, names: Vec::new() };
        Verdict { accepted: 3, tallies: vec![("people", Tally::default()), ("deals", tally)], ..Verdict::default() }
    }

    #[test]
    fn one_thing_lost_doubled_or_left_anywhere_fails_the_table() {
        assert!(Row::of(&verdict(0, 0)).is_clean());
        let left = [
            verdict(1, 0),
            verdict(0, 1),
            Verdict { owed: 1, ..verdict(0, 0) },
            Verdict { dead: 1, ..verdict(0, 0) },
            Verdict { queued: 1, ..verdict(0, 0) },
            Verdict { accepted: 0, ..verdict(0, 0) },
        ];
        for verdict in left {
            let table = Table(vec![("a", Row::Skipped("b".to_owned())), ("c", Row::of(&verdict))]);
            assert!(!table.is_clean(), "{table}");
        }
    }

    #[test]
    fn what_is_skipped_says_so_and_what_broke_fails() {
        let table = Table(vec![("disk-full", Row::Skipped("nobody may mount here".to_owned()))]);
        assert!(table.is_clean() && table.to_string().contains("SKIPPED: nobody may mount here"));
        assert!(!Row::Broken("the node did not start".to_owned()).is_clean());
    }
}
