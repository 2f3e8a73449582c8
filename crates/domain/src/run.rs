//! A run: a full or scheduled sync of one integration, page by page. Doing the pages is the dispatcher's; when one is due is
//! `schedule`'s.

mod plan;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use self::plan::{Plan, Position, Step};
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
    /// Waits for somebody to agree to its deletions; all else is done, and other runs go on.
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
    /// Those that were news to a poll though a webhook should have told of them long before.
    pub unheard: u64,
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
    fn what_is_listed_is_done_once_it_is_no_longer_owed() {
        let counts = Counts { read: 200, changed: 200, owed: 150, total: Some(250), ..Counts::default() };
        assert_eq!(counts.progress(), Progress { done: 50, total: 250 });
        let counts = Counts { read: 250, changed: 250, announced: 30, total: Some(250), ..Counts::default() };
        assert_eq!(counts.progress(), Progress { done: 280, total: 280 });
    }
}
