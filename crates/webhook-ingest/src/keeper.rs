//! Keeping what was accepted: in a queue, or else in the inbox. What is accepted is decided elsewhere.

use std::sync::Arc;

use domain::fault::{Fault, FaultKind};
use domain::message::{StoredMessage, TracedDelivery, WebhookApply, WebhookApplyMany};
use domain::step::Step;
use domain::trace::TraceParent;
use messaging::gather::{Bounds, Gather};
use messaging::{Broker, Context, PublishError};
use persistence::{Database, PersistenceError, Scope, inbox};

/// What goes out in one message at most. In bytes of the bodies: a dispatcher holds a few dozen such messages at once.
const TOGETHER: Bounds = Bounds { items: WebhookApplyMany::LIMIT, bytes: 256 * 1_024 };

/// Where a message lies safe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    /// In its queue, routed and confirmed.
    Queue,
    /// In the inbox, committed; the dispatcher publishes it once the broker is back.
    Inbox,
}

/// Why a delivery is not kept; the same for all that were to go out with it.
#[derive(Clone, Debug, thiserror::Error)]
#[error(transparent)]
pub(crate) struct NotKept(Arc<KeepError>);

/// Neither the broker nor the database took a message.
#[derive(Debug, thiserror::Error)]
enum KeepError {
    /// It cannot even be written down.
    #[error("a message cannot be encoded")]
    Encoding(#[from] serde_json::Error),
    /// Both parts are away.
    #[error("neither the broker ({broker}) nor the inbox took the message")]
    BothAway {
        /// Why the broker did not take it.
        broker: PublishError,
        /// Why the database did not.
        #[source]
        database: PersistenceError,
    },
    /// Whatever was to keep it broke off.
    #[error("keeping a message came to no end")]
    BrokenOff,
}

impl Fault for NotKept {
    fn kind(&self) -> FaultKind {
        match *self.0 {
            KeepError::Encoding(_) | KeepError::BrokenOff => FaultKind::Internal,
            // The sender did nothing wrong and shall come again, whatever the two complained about.
            KeepError::BothAway { .. } => FaultKind::Unavailable,
        }
    }
}

/// Where deliveries are handed in to be kept. Those that come while others are being kept share what is done next.
#[derive(Debug)]
pub(crate) struct Keeper {
    pub(crate) database: Database,
    gather: Gather<TracedDelivery, Result<Kept, NotKept>>,
}

impl Keeper {
    pub(crate) fn new(broker: Broker, database: Database) -> Self {
        let places = Places { broker, database: database.clone() };
        let keep = move |deliveries| {
            let places = places.clone();
            async move { places.keep(WebhookApplyMany { deliveries }).await.map_err(|error| NotKept(Arc::new(error))) }
        };
        Self { database, gather: Gather::new(TOGETHER, keep) }
    }

    /// Keeps a delivery. On `Ok` it outlives a crash of any one part.
    pub(crate) async fn keep(&self, delivery: WebhookApply, trace: TraceParent) -> Result<Kept, NotKept> {
        let bytes = delivery.body.len();
        let kept = self.gather.hand_over(TracedDelivery { trace, delivery }, bytes).await;
        kept.unwrap_or_else(|| Err(NotKept(Arc::new(KeepError::BrokenOff))))
    }
}

/// The two places in which a message is safe.
#[derive(Clone, Debug)]
struct Places {
    broker: Broker,
    database: Database,
}

impl Places {
    /// Keeps all of these, or none.
    ///
    /// A publish of unknown outcome goes to the inbox as well, each delivery as a message of its own: twice does no harm, never
    /// would, since each is known by its own id.
    async fn keep(&self, together: WebhookApplyMany) -> Result<Kept, KeepError> {
        let each: Vec<_> = together.deliveries.iter().map(|it| (&it.delivery, Context::continuing(it.trace))).collect();
        let published = match each.as_slice() {
            [(alone, context)] => self.broker.publish(*alone, context).await,
            _ => self.broker.publish(&together, &Context::new()).await,
        };
        let Err(broker) = published else { return Ok(Kept::Queue) };
        tracing::warn!(error = %broker, messages = each.len(), "the broker did not confirm; using the inbox");
        let stored =
            each.iter().map(|(delivery, context)| StoredMessage::of(*delivery, context.message_id, context.trace));
        let stored = stored.collect::<Result<Vec<_>, _>>()?;
        match self.store(&stored).await {
            Ok(()) => Ok(Kept::Inbox),
            Err(database) => Err(KeepError::BothAway { broker, database }),
        }
    }

    async fn store(&self, messages: &[StoredMessage]) -> Result<(), PersistenceError> {
        let mut transaction = self.database.begin(Scope::System).await?;
        inbox::store(&mut transaction, messages).await?;
        transaction.steps().reached(Step::InboxBefore);
        transaction.commit().await?;
        self.database.steps().reached(Step::InboxAfter);
        Ok(())
    }
}
