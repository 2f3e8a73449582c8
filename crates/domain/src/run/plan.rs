//! What the pages of a run do, in which order, and where the next one begins. How far a run is, is the run's own.

use serde::{Deserialize, Serialize};

use crate::kind::RecordKind;

/// What the pages of a run do, one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "step", content = "kind")]
pub enum Step {
    /// List what is there, and have read what is news.
    List(RecordKind),
    /// List what the platform says was deleted, and ask for each of it that we know: is it gone?
    Archived(RecordKind),
    /// Ask for each object that a full walk did not list: is it gone? And, where nothing is listed, is it as it was?
    Verify(RecordKind),
    /// Have the deletions applied, where there are not too many of them.
    Remove,
    /// Give links to records that have none.
    Link(RecordKind),
    /// Announce the links that are owed.
    Announce(RecordKind),
    /// Wait until what was announced is in step, blocked or put off.
    Settle,
}

/// Where the next page begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// In which step.
    #[serde(flatten)]
    pub step: Step,
    /// Where in it; `None` at its beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// What a run may do: made anew for every page, so that a direction that is changed meanwhile counts at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// The kinds that are read, because the direction allows it and the platform can list them.
    pub lists: Vec<RecordKind>,
    /// Those of them whose deletions the platform is asked for, where not everything is walked.
    pub archives: Vec<RecordKind>,
    /// The kinds of which everything is walked, so that what is missing can be told: by a listing, or one by one where a kind is
    /// not read.
    pub walks: Vec<RecordKind>,
    /// The kinds whose records are given links.
    pub links: Vec<RecordKind>,
    /// The kinds whose owed links are announced.
    pub announces: Vec<RecordKind>,
}

impl Plan {
    /// The steps in their order: all that is read comes before all that is written, contacts before what belongs to them.
    #[must_use]
    pub fn steps(&self) -> Vec<Step> {
        let of =
            |kinds: &[RecordKind], step: fn(RecordKind) -> Step| kinds.iter().copied().map(step).collect::<Vec<_>>();
        let deletes = !(self.walks.is_empty() && self.archives.is_empty());
        let removes = if deletes { vec![Step::Remove] } else { Vec::new() };
        let mut steps = [
            of(&self.lists, Step::List),
            of(&self.archives, Step::Archived),
            of(&self.walks, Step::Verify),
            removes,
            of(&self.links, Step::Link),
            of(&self.announces, Step::Announce),
            vec![Step::Settle],
        ]
        .concat();
        steps.sort_unstable();
        steps
    }

    /// The first step at or behind `step`; the last one is always there.
    #[must_use]
    pub fn from(&self, step: Step) -> Step {
        self.steps().into_iter().find(|next| *next >= step).unwrap_or(Step::Settle)
    }

    /// The first step behind `step`.
    #[must_use]
    pub fn after(&self, step: Step) -> Step {
        self.steps().into_iter().find(|next| *next > step).unwrap_or(Step::Settle)
    }

    /// The first step of all.
    #[must_use]
    pub fn first(&self) -> Step {
        self.steps().first().copied().unwrap_or(Step::Settle)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_read_before_anything_is_written_and_contacts_come_first() {
        use RecordKind::{Contact, Deal};
        let kinds = vec![Contact, Deal];
        let plan =
            Plan { lists: kinds.clone(), walks: kinds.clone(), links: vec![Deal], announces: kinds, ..Plan::default() };
        let steps = [
            Step::List(Contact),
            Step::List(Deal),
            Step::Verify(Contact),
            Step::Verify(Deal),
            Step::Remove,
            Step::Link(Deal),
            Step::Announce(Contact),
            Step::Announce(Deal),
            Step::Settle,
        ];
        assert_eq!(plan.steps(), steps);
        let mut walked = vec![plan.first()];
        while walked.last() != Some(&Step::Settle) {
            walked.push(plan.after(*walked.last().unwrap()));
        }
        assert_eq!(walked, steps);
    }

    #[test]
    fn a_step_that_is_no_longer_allowed_is_passed_over() {
        let plan = Plan { announces: vec![RecordKind::Contact], ..Plan::default() };
        assert_eq!(plan.from(Step::List(RecordKind::Contact)), Step::Announce(RecordKind::Contact));
        assert_eq!(plan.after(Step::Announce(RecordKind::Contact)), Step::Settle);
        assert_eq!(Plan::default().first(), Step::Settle);
    }

    #[test]
    fn a_position_survives_json() {
        for step in [Step::List(RecordKind::Deal), Step::Settle] {
            let position = Position { step, cursor: Some("{}".to_owned()) };
            let json = serde_json::to_string(&position).unwrap();
            assert_eq!(serde_json::from_str::<Position>(&json).unwrap(), position);
        }
    }
}
