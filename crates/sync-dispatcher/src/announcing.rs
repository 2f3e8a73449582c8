//! What the dispatcher says on the broker: which links are to be looked at, what the backend is to be told of, what was done. When
//! that is to be said is the others' to know.

use std::time::Duration;

use domain::message::{BackendTell, Message, RecordPush, RecordPushBulk};
use domain::outcome::SyncOutcome;
use domain::step::Step;
use domain::trace::TraceParent;
use messaging::Context;

use crate::engine::{DispatchError, Engine, Priority};

impl Engine {
    /// Says on the broker that these links are to be looked at.
    pub(crate) async fn announce(
        &self,
        priority: Priority,
        pushes: &[RecordPush],
        trace: TraceParent,
    ) -> Result<(), DispatchError> {
        match priority {
            Priority::Live => self.publish(pushes.to_vec(), trace).await,
            Priority::Bulk => self.publish(pushes.iter().copied().map(RecordPushBulk).collect(), trace).await,
        }
    }

    /// Says on the broker that the backend is to be told about these links.
    pub(crate) async fn announce_telling(
        &self,
        tells: &[BackendTell],
        trace: TraceParent,
    ) -> Result<(), DispatchError> {
        self.publish(tells.to_vec(), trace).await
    }

    /// Says it later.
    pub(crate) async fn announce_after(
        &self,
        priority: Priority,
        push: RecordPush,
        trace: TraceParent,
        wait: Duration,
    ) -> Result<(), DispatchError> {
        let context = Context::continuing(trace);
        match priority {
            Priority::Live => self.broker.park(&push, &context, wait).await?,
            Priority::Bulk => self.broker.park(&RecordPushBulk(push), &context, wait).await?,
        }
        Ok(())
    }

    /// Sends outcomes to the log. Those of them that are confirmed there are soon forgotten; what is left is the reconciler's.
    pub(crate) async fn publish_outcomes(
        &self,
        outcomes: Vec<(SyncOutcome, TraceParent)>,
    ) -> Result<(), DispatchError> {
        if outcomes.is_empty() {
            return Ok(());
        }
        let messages: Vec<_> =
            outcomes.into_iter().map(|(outcome, trace)| (outcome, Context::continuing(trace))).collect();
        let results = self.broker.publish_all(&messages).await;
        self.steps.reached(Step::LogTold);
        let confirmed = messages.iter().zip(&results).filter(|(_, result)| result.is_ok());
        self.told.add(confirmed.map(|((outcome, _), _)| (outcome.link_id, outcome.id)));
        results.into_iter().collect::<Result<Vec<()>, _>>()?;
        Ok(())
    }

    /// Publishes messages that go on in one trace.
    async fn publish<M: Message>(&self, messages: Vec<M>, trace: TraceParent) -> Result<(), DispatchError> {
        let messages: Vec<_> = messages.into_iter().map(|message| (message, Context::continuing(trace))).collect();
        self.broker.publish_all(&messages).await.into_iter().collect::<Result<(), _>>()?;
        Ok(())
    }
}
