//! Why a message could not be handed to the broker.

use domain::fault::{Fault, FaultKind};

/// Why a publish is not known to have succeeded.
///
/// After any of these but [`PublishError::Encode`] and [`PublishError::UnknownQueue`] the message may have arrived all the
/// same: publishing it again under the same id does no harm.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// There is no connection at the moment.
    #[error("not connected to the broker")]
    NotConnected,
    /// The broker takes nothing at the moment: it is short of memory or disk.
    #[error("the broker takes no messages at the moment")]
    Blocked,
    /// No confirm came in time.
    #[error("the broker did not confirm in time")]
    TimedOut,
    /// The connection or channel went away before the confirm.
    #[error("the connection to the broker went away before the confirm")]
    Lost,
    /// The broker refused, or the channel broke.
    #[error("the broker's channel failed")]
    Channel(#[source] lapin::Error),
    /// The queue did not take it, not even at the last try.
    #[error("the queue refused the message")]
    Nacked,
    /// No queue took it, not even after the topology was declared again.
    #[error("no queue took the message")]
    Returned,
    /// The message has no JSON form.
    #[error("the message cannot be encoded")]
    Encode(#[source] serde_json::Error),
    /// A stored message names a queue that is not in the topology.
    #[error("no queue has the name that the stored message gives")]
    UnknownQueue,
}

impl Fault for PublishError {
    fn kind(&self) -> FaultKind {
        match self {
            Self::NotConnected
            | Self::Blocked
            | Self::TimedOut
            | Self::Lost
            | Self::Channel(_)
            | Self::Nacked
            | Self::Returned => FaultKind::Unavailable,
            Self::Encode(_) | Self::UnknownQueue => FaultKind::Invalid,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NotConnected => "broker_not_connected",
            Self::Blocked => "broker_blocked",
            Self::TimedOut => "broker_timed_out",
            Self::Lost | Self::Channel(_) => "broker_lost",
            Self::Nacked => "broker_refused",
            Self::Returned => "broker_unroutable",
            Self::Encode(_) => "message_not_encodable",
            Self::UnknownQueue => "queue_unknown",
        }
    }
}
