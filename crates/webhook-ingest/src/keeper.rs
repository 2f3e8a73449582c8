//! Keeping what was accepted: in a queue, or else in the inbox. What is accepted is decided elsewhere.

use domain::fault::{Fault, FaultKind};
use domain::message::Message;
use domain::step::Step;
use messaging::{Broker, Context, PublishError};
use persistence::{Database, PersistenceError, Scope, inbox};

/// Where a message lies safe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    /// In its queue, routed and confirmed.
    Queue,
    /// In the inbox, committed; the dispatcher publishes it once the broker is back.
    Inbox,
}

/// Neither the broker nor the database took the message.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeepError {
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
}

impl Fault for KeepError {
    fn kind(&self) -> FaultKind {
        match self {
            Self::Encoding(_) => FaultKind::Internal,
            // The sender did nothing wrong and shall come again, whatever the two complained about.
            Self::BothAway { .. } => FaultKind::Unavailable,
        }
    }
}

/// The two places in which a message is safe.
#[derive(Clone, Debug)]
pub(crate) struct Keeper {
    pub(crate) broker: Broker,
    pub(crate) database: Database,
}

impl Keeper {
    /// Keeps a message. On `Ok` it outlives a crash of any one part.
    ///
    /// A publish of unknown outcome goes to the inbox as well, under the same id: twice does no harm, never would.
    pub(crate) async fn keep<M: Message>(&self, message: &M, context: &Context) -> Result<Kept, KeepError> {
        let Err(broker) = self.broker.publish(message, context).await else { return Ok(Kept::Queue) };
        tracing::warn!(error = %broker, message.id = %context.message_id, "the broker did not confirm; using the inbox");
        let stored = inbox::StoredMessage {
            id: context.message_id,
            message_type: M::TYPE.to_owned(),
            queue: M::QUEUE.to_owned(),
            trace: context.trace,
            payload: serde_json::to_value(message)?,
        };
        match self.store(stored).await {
            Ok(()) => Ok(Kept::Inbox),
            Err(database) => Err(KeepError::BothAway { broker, database }),
        }
    }

    async fn store(&self, message: inbox::StoredMessage) -> Result<(), PersistenceError> {
        let mut transaction = self.database.begin(Scope::System).await?;
        inbox::store(&mut transaction, &[message]).await?;
        transaction.steps().reached(Step::InboxBefore);
        transaction.commit().await?;
        self.database.steps().reached(Step::InboxAfter);
        Ok(())
    }
}
