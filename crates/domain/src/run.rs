//! A run: a full or scheduled sync of one integration, page by page. Pages are done by the dispatcher; when one is due is `schedule`'s.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::id::{IntegrationId, RunId, TenantId};
use crate::integration::Direction;
use crate::kind::RecordKind;
use crate::message::RunPage;
use crate::outcome::SyncError;
use crate::time::Timestamp;

/// So many deletions a run makes by itself, however few objects there are: of a handful, a share says nothing.
const DELETIONS: u64 = 20;

/// Of more objects, this share in percent.
const DELETIONS_PERCENT: u64 = 2;

/// Why there is a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = RunTrigger)]
pub enum Trigger {
    /// Somebody asked for it.
    Manual,
    /// Its time had come.
    Scheduled,
    /// Its time had come, and no run of the integration was completed before.
    First,
}

/// How much of what is there a run looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = RunMode)]
pub enum Mode {
    /// Everything; only this finds what was deleted unheard of.
    Full,
    /// What changed since the last completed run.
    SinceLast,
}

/// Where a run is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = RunState)]
pub enum State {
    /// Nobody has taken it up yet.
    Queued,
    /// Under way.
    Running,
    /// Under way, until the next page sees that it is to end.
    Cancelling,
    /// Ended because somebody wished so; what it had applied stays.
    Cancelled,
    /// Ended, with everything in step or blocked where the tenant sees it.
    Done,
    /// Ended by an error.
    Failed,
    /// Waits for somebody to agree to its deletions.
    NeedsConfirmation,
}

impl State {
    /// Whether nothing follows.
    #[must_use]
    pub fn has_ended(self) -> bool {
        match self {
            Self::Cancelled | Self::Done | Self::Failed => true,
            Self::Queued | Self::Running | Self::Cancelling | Self::NeedsConfirmation => false,
        }
    }
}

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

/// What a run did with one kind so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
#[schema(as = RunCounts)]
pub struct Counts {
    /// Objects that the platform listed.
    pub read: u64,
    /// Those of them that were news.
    pub changed: u64,
    /// Those of them that nobody here knew.
    pub unknown: u64,
    /// Objects that stand for somebody who has another object there already; each is among the failures.
    pub duplicates: u64,
    /// Links that were announced because they were owed.
    pub announced: u64,
    /// Objects that the platform no longer has.
    pub gone: u64,
    /// Links that are still out of step.
    pub owed: u64,
    /// Links that a failure blocked meanwhile.
    pub failed: u64,
    /// Objects that there are to list, where the platform says so.
    pub total: Option<u64>,
}

/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = RunProgress)]
pub struct Progress {
    /// Objects and links that are done with.
    pub done: u64,
    /// As far as it is known by now.
    pub total: u64,
}

impl Counts {
    /// How far this kind is: what was listed and announced, less what of it is still owed.
    #[must_use]
    pub fn progress(&self) -> Progress {
        let taken = self.read.saturating_add(self.announced);
        let total = self.total.unwrap_or_default().max(self.read).saturating_add(self.announced);
        Progress { done: taken.saturating_sub(self.owed), total }
    }
}

/// A run as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// Whose it is.
    pub tenant_id: TenantId,
    /// What it brings into step.
    pub integration_id: IntegrationId,
    /// Why there is one.
    pub trigger: Trigger,
    /// Which way at most; a kind's own direction bounds it further.
    pub direction: Direction,
    /// The kinds that it takes, in the order in which one may depend on another.
    pub kinds: Vec<RecordKind>,
    /// How much it looks at.
    pub mode: Mode,
    /// Where it is in its life.
    pub state: State,
    /// How many pages are done.
    pub sequence: i64,
    /// Where the next page begins; `None` before the first.
    pub position: Option<Position>,
    /// What was done, kind by kind; what is owed and failed is counted at the moment of reading while it is live.
    pub counts: BTreeMap<RecordKind, Counts>,
    /// Whether somebody agreed to its deletions.
    pub confirmed: bool,
    /// Failed attempts at the present page.
    pub attempts: u32,
    /// Who asked for it; `None` where it was the clock.
    pub requested_by: Option<String>,
    /// The time of the schedule that it stands for.
    pub due_at: Option<Timestamp>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When its first page was taken up.
    pub started_at: Option<Timestamp>,
    /// Since when only what was announced is waited for.
    pub settling_since: Option<Timestamp>,
    /// When it last moved on.
    pub heartbeat_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// What ended it, or the last failure of the present page.
    pub error: Option<SyncError>,
}

impl Run {
    /// The message that moves it on from where it stands.
    #[must_use]
    pub fn page(&self) -> RunPage {
        let (tenant_id, integration_id) = (self.tenant_id, self.integration_id);
        RunPage { tenant_id, integration_id, run_id: self.id, sequence: self.sequence }
    }

    /// How far it is, over all kinds.
    #[must_use]
    pub fn progress(&self) -> Progress {
        let each = self.counts.values().map(Counts::progress);
        each.fold(Progress { done: 0, total: 0 }, |sum, kind| Progress {
            done: sum.done.saturating_add(kind.done),
            total: sum.total.saturating_add(kind.total),
        })
    }
}

/// Whether a run that finds `gone` of `known` objects deleted has to ask before that is believed.
#[must_use]
pub fn deletions_need_consent(gone: u64, known: u64) -> bool {
    gone > DELETIONS.max(known.saturating_mul(DELETIONS_PERCENT) / 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_twenty_deletions_ask_and_of_many_objects_more_than_two_percent() {
        let asks = |gone, known| deletions_need_consent(gone, known);
        assert_eq!([asks(1, 1), asks(20, 20), asks(21, 21), asks(21, 1_000)], [false, false, true, true]);
        assert_eq!([asks(200, 10_000), asks(201, 10_000)], [false, true]);
    }

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

    #[test]
    fn what_is_listed_is_done_once_it_is_no_longer_owed() {
        let counts = Counts { read: 200, changed: 200, owed: 150, total: Some(250), ..Counts::default() };
        assert_eq!(counts.progress(), Progress { done: 50, total: 250 });
        let counts = Counts { read: 250, changed: 250, announced: 30, total: Some(250), ..Counts::default() };
        assert_eq!(counts.progress(), Progress { done: 280, total: 280 });
    }
}
