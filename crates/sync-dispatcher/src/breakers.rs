//! Breakers: an integration whose platform does not answer is left alone for a while, and a platform that answers nobody is left
//! alone by everybody. Neither is an attempt, nor anybody's fault. All replicas share them through the database.
//!
//! What calls say of a platform is here; looking whether one is back is `lookout`'s.

mod lookout;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use connectors::error::ConnectorError;
use connectors::registry::Platform;
use domain::fault::FaultKind;
use domain::integration::Integration;
use domain::platform::PlatformSlug;
use domain::trace::TraceParent;
use persistence::breakers::{self, Closed, Standing, Terms};
use persistence::records::links;
use persistence::{Scope, Transaction};
use tokio::time::Instant;

pub(crate) use self::lookout::watch;
use crate::engine::{DispatchError, Engine, Priority};

/// The code of an account that cannot be opened for a reason of ours.
pub(crate) const UNUSABLE: &str = "account_unusable";

/// Links that are sent on their way at once when their platform is back; their lanes, or the reconciler, see to the others.
const DRAINED: i64 = 1_000;

/// An answer is noted no more often than this where nothing was known against the platform.
const FRESH: Duration = Duration::from_secs(1);

/// What became of the calls of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answered {
    /// The platform answered, whatever it said.
    Yes,
    /// It did not, or only that it cannot now.
    No,
}

impl Answered {
    /// What an answer says of it; `None` where the platform was not asked.
    pub(crate) fn of<T>(answer: &Result<T, ConnectorError>) -> Option<Self> {
        match answer {
            Err(error) if error.is_budget_spent() => None,
            Err(error) if error.kind == FaultKind::Unavailable && !error.is_unfinished_search() => Some(Self::No),
            Ok(_) | Err(_) => Some(Self::Yes),
        }
    }
}

/// What a batch hears of a platform.
#[derive(Debug)]
pub(crate) struct Watch {
    /// How it stood with the integration before.
    standing: Standing,
    answered: AtomicBool,
    failed: AtomicBool,
}

impl Watch {
    /// Begins to listen; `None` where nobody is to call: a breaker is open, or the integration is parked.
    pub(crate) async fn over(tx: &mut Transaction, integration: &Integration) -> Result<Option<Self>, DispatchError> {
        let standing = breakers::standing(tx, integration).await?;
        let is_shut = matches!(standing, Standing::Open(_) | Standing::Parked);
        Ok((!is_shut).then(|| Self { standing, answered: AtomicBool::new(false), failed: AtomicBool::new(false) }))
    }

    /// Hears one answer.
    pub(crate) fn note<T>(&self, answer: &Result<T, ConnectorError>) {
        match Answered::of(answer) {
            Some(Answered::Yes) => self.answered.store(true, Ordering::Relaxed),
            Some(Answered::No) => self.failed.store(true, Ordering::Relaxed),
            None => {}
        }
    }

    /// Notes what the batch has heard, or that its account could not be opened.
    pub(crate) async fn conclude(
        &self,
        engine: &Engine,
        integration: &Integration,
        unopened: Option<&ConnectorError>,
    ) -> Result<(), DispatchError> {
        // What was wrong with the account on our side says nothing of the platform.
        if let Some(error) = unopened.filter(|error| error.code != UNUSABLE && error.kind == FaultKind::Unavailable) {
            self.note(&Err::<(), _>(error.clone()));
        }
        let answered = match (self.answered.load(Ordering::Relaxed), self.failed.load(Ordering::Relaxed)) {
            (true, _) => Answered::Yes,
            (false, true) => Answered::No,
            (false, false) => return Ok(()),
        };
        note(engine, integration, (self.standing, answered)).await
    }
}

/// When this process last noted that a platform answers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Noted(Arc<Mutex<HashMap<PlatformSlug, Instant>>>);

impl Noted {
    /// Whether it is to be noted again.
    fn is_due(&self, platform: &PlatformSlug) -> bool {
        let (now, mut noted) = (Instant::now(), self.0.lock().unwrap_or_else(PoisonError::into_inner));
        if noted.get(platform).is_some_and(|at| now.duration_since(*at) < FRESH) {
            return false;
        }
        noted.insert(platform.clone(), now);
        true
    }
}

/// Notes what became of a batch of an integration that stood so before.
pub(crate) async fn note(
    engine: &Engine,
    integration: &Integration,
    (before, answered): (Standing, Answered),
) -> Result<(), DispatchError> {
    match answered {
        Answered::No if engine.settings.breaker_failures == 0 => Ok(()),
        Answered::No => fail(engine, integration).await,
        Answered::Yes if before != Standing::Closed || engine.answers.is_due(&integration.platform) => {
            answer(engine, integration).await
        }
        Answered::Yes => Ok(()),
    }
}

async fn fail(engine: &Engine, integration: &Integration) -> Result<(), DispatchError> {
    let descriptor = Platform::from_slug(&integration.platform).map(|platform| platform.connector().descriptor());
    // A shop of a tenant's own is nobody else's.
    let name = descriptor.filter(|descriptor| !descriptor.needs_url).map(|descriptor| descriptor.name);
    let cause =
        name.map(|name| format!("{name} ne répond à personne pour le moment ; ce qui est dû partira tout seul"));
    let (failures, pause) = (engine.settings.breaker_failures, engine.settings.breaker_pause);
    let mut tx = engine.database.begin(Scope::System).await?;
    let terms = Terms { failures, pause, outage: cause.as_deref() };
    let opened = breakers::note_failure(&mut tx, integration, terms).await?;
    tx.commit().await?;
    if opened.integration {
        tracing::warn!(integration.id = %integration.id, "its platform does not answer; what is owed waits");
    }
    if opened.platform {
        // Once, however many tenants, links and replicas meet it.
        tracing::error!(platform = %integration.platform, "the platform is away for everybody; what is owed waits");
    }
    Ok(())
}

async fn answer(engine: &Engine, integration: &Integration) -> Result<(), DispatchError> {
    let platform = &integration.platform;
    let mut tx = engine.database.begin(Scope::System).await?;
    let closed = breakers::note_answer(&mut tx, integration).await?;
    tx.commit().await?;
    if closed == Closed::default() {
        return Ok(());
    }
    match closed.platform {
        Some(seconds) => tracing::warn!(%platform, seconds, "the platform is back"),
        None => tracing::info!(integration.id = %integration.id, "its platform answers again"),
    }
    let mut tx = engine.database.begin(Scope::System).await?;
    let owed = links::overdue(&mut tx, Duration::ZERO, DRAINED, Some(platform)).await?;
    tx.commit().await?;
    engine.announce(Priority::Bulk, &owed, TraceParent::generate()).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_that_did_not_come_to_its_end_was_answered() {
        let unfinished = ConnectorError::new(FaultKind::Unavailable, "unfinished_search", "too much was made");
        assert_eq!(Answered::of(&Err::<(), _>(unfinished)), Some(Answered::Yes));
        assert_eq!(Answered::of(&Err::<(), _>(ConnectorError::out_of_time())), Some(Answered::No));
    }
}
