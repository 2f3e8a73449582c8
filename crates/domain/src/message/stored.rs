//! A message as it is kept while the broker is away. Where it is kept is `persistence`'s, how it goes on `messaging`'s.

use serde_json::Value;

use super::Message;
use crate::id::MessageId;
use crate::trace::TraceParent;

/// A message in the form in which it can be kept elsewhere while the broker is away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredMessage {
    /// Its id, on the broker as well.
    pub id: MessageId,
    /// The name of its type, with the version.
    pub message_type: String,
    /// The queue for which it is meant.
    pub queue: String,
    /// The trace that it continues.
    pub trace: TraceParent,
    /// Its JSON form.
    pub payload: Value,
}

impl StoredMessage {
    /// This message, to be kept under the id and in the trace with which it would have been published.
    ///
    /// # Errors
    /// When it has no JSON form.
    pub fn of<M: Message>(message: &M, id: MessageId, trace: TraceParent) -> serde_json::Result<Self> {
        Ok(Self {
            id,
            message_type: M::TYPE.to_owned(),
            queue: message.queue().to_owned(),
            trace,
            payload: serde_json::to_value(message)?,
        })
    }
}
