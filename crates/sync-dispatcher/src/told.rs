//! Outcomes that the log has confirmed, until the database forgets them: many at once, since each time costs a commit. Sending them is
//! `announcing`'s, and what is never forgotten is sent again by the reconciler.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::id::{LinkId, SyncLogId};
use persistence::Scope;
use persistence::records::links;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::converge::chain;
use crate::engine::{DispatchError, Engine};

/// How long they are gathered: far shorter than what the reconciler takes for left over.
const GATHERED_FOR: Duration = Duration::from_millis(250);

/// What was confirmed and is still kept as unpublished; all clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told {
    confirmed: Arc<Mutex<Vec<(LinkId, SyncLogId)>>>,
    /// Held while some are forgotten, so that whoever looks for leftovers afterwards finds none of these.
    forgetting: Arc<tokio::sync::Mutex<()>>,
}

impl Told {
    /// Notes what was confirmed.
    pub(crate) fn add(&self, confirmed: impl IntoIterator<Item = (LinkId, SyncLogId)>) {
        self.lock().extend(confirmed);
    }

    fn take(&self) -> Vec<(LinkId, SyncLogId)> {
        std::mem::take(&mut *self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(LinkId, SyncLogId)>> {
        // A panic elsewhere leaves the list as it was between two statements.
        self.confirmed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lets the database forget what was confirmed, again and again until `shutdown`.
pub(crate) async fn watch(engine: Engine, shutdown: CancellationToken) {
    let mut ticks = tokio::time::interval(GATHERED_FOR);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while shutdown.run_until_cancelled(ticks.tick()).await.is_some() {
        forget(&engine).await;
    }
}

/// Lets the database forget what was confirmed so far.
pub(crate) async fn forget(engine: &Engine) {
    let _one = engine.told.forgetting.lock().await;
    let confirmed = engine.told.take();
    if confirmed.is_empty() {
        return;
    }
    if let Err(error) = forget_these(engine, &confirmed).await {
        tracing::warn!(error = %chain(&error), "outcomes that are in the log are kept, and will be sent again");
    }
}

async fn forget_these(engine: &Engine, confirmed: &[(LinkId, SyncLogId)]) -> Result<(), DispatchError> {
    let mut tx = engine.database.begin_committing_asynchronously(Scope::System).await?;
    links::forget_published(&mut tx, confirmed).await?;
    Ok(tx.commit().await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_confirmed_is_taken_once_whoever_noted_it() {
        let told = Told::default();
        let clone = told.clone();
        let confirmed = [(LinkId::new(), SyncLogId::new()), (LinkId::new(), SyncLogId::new())];
        told.add(confirmed[..1].iter().copied());
        clone.add(confirmed[1..].iter().copied());
        assert_eq!(told.take(), confirmed);
        assert!(clone.take().is_empty());
    }
}
