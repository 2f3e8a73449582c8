//! What every part of the dispatcher works with, and the one error they share. What is done with it is the other modules'.

use std::sync::Arc;

use accounts::Accounts;
use domain::fault::{Fault, FaultKind};
use domain::id::TenantId;
use domain::retry::RetrySchedule;
use domain::step::{Step, Steps};
use messaging::{Broker, PublishError};
use persistence::{Database, PersistenceError};
use runtime::config::DispatcherSettings;
use url::Url;

use crate::backend::Backend;
use crate::beliefs::Believed;
use crate::breakers::Noted;
use crate::converge::chain;
use crate::redactors::Redactors;
use crate::told::Told;
use crate::turns::Turns;
use crate::{mapped::Mapped, n8n::N8n};

/// How much somebody waits for work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Priority {
    /// It is on its way as it happens.
    Live,
    /// It is caught up with, and must not stand before what happens now.
    Bulk,
}

/// The parts that the dispatcher works with.
#[derive(Clone, Debug)]
pub(crate) struct Engine {
    pub(crate) database: Database,
    pub(crate) broker: Broker,
    pub(crate) accounts: Accounts,
    pub(crate) schedule: RetrySchedule,
    pub(crate) settings: DispatcherSettings,
    pub(crate) steps: Steps,
    pub(crate) believed: Believed,
    pub(crate) mapped: Mapped,
    pub(crate) redactors: Redactors,
    pub(crate) n8n: Arc<N8n>,
    pub(crate) backend: Arc<Backend>,
    pub(crate) answers: Noted,
    pub(crate) told: Told,
    pub(crate) turns: Turns,
    /// Where platforms reach us.
    pub(crate) public_url: Url,
}

/// Why work could not be brought to an end. The work itself stays owed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DispatchError {
    /// The database does not answer, or refuses.
    #[error(transparent)]
    Persistence(#[from] PersistenceError),
    /// The broker does not take a message.
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// A tenant's keys or accounts cannot be used: nobody can tell who was erased, or give a workflow its passes.
    #[error("the tenant's keys cannot be used")]
    Account(#[from] accounts::AccountError),
    /// A delivery is not of its platform's form.
    #[error("the delivery cannot be read: {0}")]
    Unreadable(#[source] connectors::error::ConnectorError),
    /// A platform does not answer a page of a run, or refuses it.
    #[error("a platform could not be asked")]
    Platform(#[from] connectors::error::ConnectorError),
    /// A worker holds the link that a report is about.
    #[error("the link is worked on just now")]
    LinkHeld,
    /// A lease ran out, or was taken away, before what was read under it could be kept.
    #[error("a lease was lost in the middle of the work")]
    LeaseLost,
    /// A delivery is of a platform that this version has no connector for.
    #[error("there is no connector for `{0}`")]
    UnknownPlatform(domain::platform::PlatformSlug),
}

impl Fault for DispatchError {
    fn kind(&self) -> FaultKind {
        match self {
            // Whoever collided finds what the other left when it comes again, by the schedule; no message dies of it.
            Self::Persistence(error) if error.is_collision() => FaultKind::Internal,
            Self::Persistence(error) => error.kind(),
            Self::Publish(error) => error.kind(),
            Self::Platform(error) => error.kind(),
            Self::Account(error) => error.kind(),
            // No attempt: it comes again until the link is free.
            Self::LinkHeld | Self::LeaseLost => FaultKind::Unavailable,
            Self::Unreadable(_) | Self::UnknownPlatform(_) => FaultKind::Invalid,
        }
    }
}

/// What cannot be done for one tenant keeps nobody else's waiting. While the database or the broker is away, nothing can be.
pub(crate) fn unless_away(tenant: TenantId, done: Result<(), DispatchError>) -> Result<(), DispatchError> {
    match done {
        Err(error) if error.kind() != FaultKind::Unavailable => {
            tracing::error!(tenant.id = %tenant, error = %chain(&error), "what is to be done for a tenant cannot be");
            Ok(())
        }
        done => done,
    }
}

impl Engine {
    /// Asks a platform something.
    pub(crate) async fn asking<T>(&self, call: impl Future<Output = T>) -> T {
        self.steps.reached(Step::ReadBefore);
        let answer = call.await;
        self.steps.reached(Step::ReadAfter);
        answer
    }

    /// Writes to a platform.
    pub(crate) async fn writing<T>(&self, call: impl Future<Output = T>) -> T {
        self.steps.reached(Step::WriteBefore);
        let answer = call.await;
        self.steps.reached(Step::WriteAfter);
        answer
    }
}
