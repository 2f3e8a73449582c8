//! Making accepted events durable: by the broker, else by the database, else not at all. When they are taken out is `dispatcher`'s.

use std::sync::Arc;
use std::time::Duration;

use domain::id::TenantId;
use domain::message::{EventMerge, StoredMessage};
use domain::step::Step;
use messaging::gather::{Bounds, Gather};
use messaging::{Broker, Context};
use moka::sync::Cache;
use persistence::{Database, PersistenceError, Scope, inbox};
use tokio::runtime::Handle;

use super::batching;
use crate::refusal::Refusal;

/// What goes out in one message at most. In bytes of the bodies: a dispatcher holds a few hundred such messages at once.
const TOGETHER: Bounds = Bounds { items: EventMerge::LIMIT, bytes: 256 * 1_024 };

/// Tenants whose single events are gathered at once. One who is left out for others has its events sent sooner, and less together.
const TENANTS: u64 = 10_000;

/// A tenant of whom nothing comes for so long is gathered for no more.
const IDLE: Duration = Duration::from_secs(60);

/// Messages of the intake, and what travels beside each.
type Messages = Vec<(EventMerge, Context)>;

/// Neither the broker nor the database took an event, or those that were to go out with it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NotKept;

/// Whether what was handed in is kept.
type Kept = Result<(), NotKept>;

impl From<NotKept> for Refusal {
    fn from(NotKept: NotKept) -> Self {
        Self::NotAccepted
    }
}

/// Where accepted events are handed in to be kept. Single events of a tenant that come while others of it are being kept share what
/// is done next.
#[derive(Debug)]
pub(crate) struct Intake {
    places: Places,
    gathers: Cache<TenantId, Arc<Gather<Messages, Kept>>>,
    /// Outlives the threads that answer requests, each of which has a runtime of its own.
    runtime: Handle,
}

impl Intake {
    /// Must be called within the Tokio runtime that lasts as long as the process.
    pub(crate) fn new(broker: Broker, database: Database) -> Self {
        let gathers = Cache::builder().max_capacity(TENANTS).time_to_idle(IDLE).build();
        Self { places: Places { broker, database }, gathers, runtime: Handle::current() }
    }

    /// Returns once every message is confirmed by its queue or committed to the inbox.
    pub(super) async fn keep(&self, messages: Messages) -> Kept {
        self.places.keep(messages).await
    }

    /// The same for a request of one event, which may go out with others of its tenant; its body had so many `bytes`.
    pub(super) async fn share(&self, tenant: TenantId, messages: Messages, bytes: usize) -> Kept {
        let gather = self.gathers.get_with(tenant, || {
            let _within = self.runtime.enter();
            let places = self.places.clone();
            let keep = move |requests: Vec<Messages>| {
                let places = places.clone();
                async move { places.keep_together(requests.into_iter().flatten().collect()).await }
            };
            Arc::new(Gather::new(TOGETHER, keep))
        });
        gather.hand_over(messages, bytes).await.unwrap_or_else(|| {
            tracing::error!(tenant.id = %tenant, "keeping an event came to no end");
            Err(NotKept)
        })
    }
}

/// The two places in which a message is safe.
#[derive(Clone, Debug)]
struct Places {
    broker: Broker,
    database: Database,
}

impl Places {
    /// A message whose confirm did not come in time goes to the inbox under the same id, and may so arrive twice; that is
    /// harmless, and losing it would not be.
    async fn keep(&self, messages: Messages) -> Kept {
        let steps = self.database.steps();
        steps.reached(Step::AcceptBefore);
        let outcomes = self.broker.publish_all(&messages).await;
        let unconfirmed: Vec<_> =
            messages.iter().zip(outcomes).filter(|(_, outcome)| outcome.is_err()).map(|(message, _)| message).collect();
        if !unconfirmed.is_empty() {
            self.store(&unconfirmed).await?;
        }
        steps.reached(Step::AcceptAfter);
        Ok(())
    }

    /// Keeps all of these, or none: in one message or, in the inbox, each by itself.
    async fn keep_together(&self, messages: Messages) -> Kept {
        let together = if messages.len() > 1 { batching::together(&messages) } else { None };
        let Some(together) = together else { return self.keep(messages).await };
        let steps = self.database.steps();
        steps.reached(Step::AcceptBefore);
        if self.broker.publish(&together, &Context::new()).await.is_err() {
            self.store(&messages.iter().collect::<Vec<_>>()).await?;
        }
        steps.reached(Step::AcceptAfter);
        Ok(())
    }

    async fn store(&self, messages: &[&(EventMerge, Context)]) -> Kept {
        self.write(messages).await.map_err(|error| {
            tracing::error!(%error, messages = messages.len(), "neither the broker nor the database takes events");
            NotKept
        })
    }

    async fn write(&self, messages: &[&(EventMerge, Context)]) -> Result<(), IntakeError> {
        let stored =
            messages.iter().map(|(message, context)| StoredMessage::of(message, context.message_id, context.trace));
        let stored = stored.collect::<Result<Vec<_>, _>>()?;
        let mut tx = self.database.begin(Scope::System).await?;
        inbox::store(&mut tx, &stored).await?;
        tx.steps().reached(Step::InboxBefore);
        tx.commit().await?;
        self.database.steps().reached(Step::InboxAfter);
        tracing::info!(messages = stored.len(), "events wait in the inbox");
        Ok(())
    }
}

/// Why the inbox did not take events either.
#[derive(Debug, thiserror::Error)]
enum IntakeError {
    #[error("events cannot be encoded")]
    Encoding(#[from] serde_json::Error),
    #[error("the inbox does not take events")]
    Inbox(#[from] PersistenceError),
}
