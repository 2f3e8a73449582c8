//! One page's view of its run: the account, the mappings, what the run may do, and how the page moves it on.

use std::collections::BTreeMap;
use std::time::Duration;

use connectors::account::Account;
use connectors::connector::Connector;
use connectors::error::ConnectorError;
use domain::integration::{Direction, Integration};
use domain::kind::RecordKind;
use domain::message::{RecordPush, RunPage};
use domain::run::{Counts, Plan, Position, Run, Step};
use persistence::breakers::Standing;
use persistence::runs::{self, Move};
use persistence::{PersistenceError, Transaction};

use crate::breakers::Answered;
use crate::engine::{DispatchError, Engine};
use crate::mapped::Narrowed;

pub(super) struct Trip<'a> {
    pub(super) engine: &'a Engine,
    pub(super) page: RunPage,
    pub(super) run: Run,
    pub(super) integration: Integration,
    /// How it stood with the integration before.
    pub(super) standing: Standing,
    pub(super) connector: &'static dyn Connector,
    /// The opened account, or why it cannot be opened: not every step calls the platform.
    pub(super) account: Result<Account, ConnectorError>,
    pub(super) mappings: Narrowed,
    pub(super) plan: Plan,
    pub(super) step: Step,
    /// Where in the step the page begins.
    pub(super) cursor: Option<String>,
}

/// What came of a page.
#[derive(Debug)]
pub(super) enum Outcome {
    /// It is done and committed.
    Moved {
        /// The page that follows.
        next: RunPage,
        /// The links that are to be announced for it.
        pushes: Vec<RecordPush>,
        /// How long the next page is to wait.
        wait: Option<Duration>,
    },
    /// The run has ended, or waits for somebody.
    Ended,
    /// The run was moved on or is to end: nothing of the page was committed.
    Overtaken,
}

impl Trip<'_> {
    /// The opened account.
    pub(super) fn account(&self) -> Result<&Account, DispatchError> {
        self.account.as_ref().map_err(|error| DispatchError::Platform(error.clone()))
    }

    /// What a page says of the platform; `None` where it was not asked.
    pub(super) fn answered(&self, done: &Result<Outcome, DispatchError>) -> Option<Answered> {
        match done {
            Err(DispatchError::Platform(error)) => Answered::of(&Err::<(), _>(error.clone())),
            Err(_) => None,
            Ok(_) => match self.step {
                Step::List(_) | Step::Archived(_) => Some(Answered::Yes),
                // It is not always asked by these, or never.
                Step::Verify(_) | Step::Remove | Step::Link(_) | Step::Announce(_) | Step::Settle => None,
            },
        }
    }

    /// Which way a kind may flow in this run.
    pub(super) fn direction(&self, kind: RecordKind) -> Option<Direction> {
        self.integration.direction_of(kind).within(self.run.direction)
    }

    /// What the run's counts are after this page, which adds to those of `kind`.
    pub(super) fn counted(&self, kind: RecordKind, add: impl FnOnce(&mut Counts)) -> BTreeMap<RecordKind, Counts> {
        let mut counts = self.run.counts.clone();
        add(counts.entry(kind).or_default());
        counts
    }

    /// The page that goes on in this step.
    pub(super) fn further(&self, cursor: Option<String>) -> Position {
        Position { step: self.step, cursor }
    }

    /// The page that begins the next step.
    pub(super) fn beyond(&self) -> Position {
        Position { step: self.plan.after(self.step), cursor: None }
    }

    /// Moves the run on, in the transaction that applies the page. `None` where nothing of it may be committed.
    pub(super) async fn advance(
        &self,
        tx: &mut Transaction,
        position: Position,
        counts: BTreeMap<RecordKind, Counts>,
        mark: Option<(RecordKind, String)>,
    ) -> Result<Option<RunPage>, PersistenceError> {
        let settles = position.step == Step::Settle;
        runs::advance(tx, &self.page, &Move { position, counts, mark, settles }).await
    }
}

/// Commits a page that moved its run on; drops one that came too late.
pub(super) async fn close(
    tx: Transaction,
    next: Option<RunPage>,
    pushes: Vec<RecordPush>,
) -> Result<Outcome, DispatchError> {
    let Some(next) = next else { return Ok(Outcome::Overtaken) };
    tx.steps().reached(domain::step::Step::PageBefore);
    tx.commit().await?;
    Ok(Outcome::Moved { next, pushes, wait: None })
}
