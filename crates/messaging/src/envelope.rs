//! A message made ready for the broker: payload, properties and where it goes.

use domain::message::{Message, Proclaimed, StoredMessage};
use lapin::BasicProperties;
use lapin::types::ShortString;

use crate::context::{self, Context};
use crate::error::PublishError;
use crate::topology::{self, Place, Queue, Tier};

/// What is published, and where.
#[derive(Clone, Debug)]
pub(crate) struct Envelope {
    /// What must be there before.
    pub(crate) place: Place,
    pub(crate) exchange: ShortString,
    pub(crate) routing_key: ShortString,
    pub(crate) properties: BasicProperties,
    pub(crate) payload: Vec<u8>,
}

impl Envelope {
    /// A message for its queue.
    pub(crate) fn of<M: Message>(message: &M, context: &Context) -> Result<Self, PublishError> {
        let payload = serde_json::to_vec(message).map_err(PublishError::Encode)?;
        Ok(Self::to_queue(Queue::for_message(message), context.to_properties(M::TYPE), payload))
    }

    /// A kept message for its queue.
    pub(crate) fn stored(message: &StoredMessage) -> Result<Self, PublishError> {
        let queue = Queue::named(&message.queue).ok_or(PublishError::UnknownQueue)?;
        let payload = serde_json::to_vec(&message.payload).map_err(PublishError::Encode)?;
        Ok(Self::to_queue(queue, properties_of(message), payload))
    }

    /// A kept message for the dead letters: its queue's, or those of messages that no queue is meant by.
    pub(crate) fn buried(message: &StoredMessage, reason: &str) -> Result<Self, PublishError> {
        let payload = serde_json::to_vec(&message.payload).map_err(PublishError::Encode)?;
        let properties = context::with_reason(properties_of(message), reason);
        Ok(match Queue::named(&message.queue) {
            Some(queue) => Self::to_queue(queue, properties, payload).dead(queue),
            None => Self {
                place: Place::Strays,
                exchange: "".into(),
                routing_key: topology::STRAYS.into(),
                properties,
                payload,
            },
        })
    }

    /// A word to other services, of whom there may be none.
    pub(crate) fn proclaimed<P: Proclaimed>(word: &P, context: &Context) -> Result<Self, PublishError> {
        Ok(Self {
            place: Place::Records,
            exchange: topology::RECORDS_EXCHANGE.into(),
            routing_key: word.routing_key().into(),
            properties: context.to_properties(P::TYPE),
            payload: serde_json::to_vec(word).map_err(PublishError::Encode)?,
        })
    }

    /// Whether a queue has to take it.
    pub(crate) fn is_mandatory(&self) -> bool {
        self.place != Place::Records
    }

    /// The name by which it is counted: its queue's, or the exchange's where its key names a tenant.
    pub(crate) fn label(&self) -> String {
        if self.is_mandatory() { self.routing_key.to_string() } else { self.exchange.to_string() }
    }

    pub(crate) fn to_queue(queue: Queue, properties: BasicProperties, payload: Vec<u8>) -> Self {
        let (exchange, routing_key) = ("".into(), queue.name().into());
        Self { place: Place::Queue(queue), exchange, routing_key, properties, payload }
    }

    /// The same message, to wait in a tier until the broker gives it back to its queue.
    pub(crate) fn waiting_in(self, tier: Tier) -> Self {
        Self { place: Place::Tier(tier), exchange: tier.name().into(), ..self }
    }

    /// The same message for the dead letters of `queue`.
    pub(crate) fn dead(self, queue: Queue) -> Self {
        Self { place: Place::Queue(queue), exchange: "".into(), routing_key: queue.dead().into(), ..self }
    }

    /// The id by which the broker names it when it returns it.
    pub(crate) fn id(&self) -> Option<&ShortString> {
        self.properties.message_id().as_ref()
    }
}

fn properties_of(message: &StoredMessage) -> BasicProperties {
    let context = Context { message_id: message.id, ..Context::continuing(message.trace) };
    context.to_properties(&message.message_type)
}
