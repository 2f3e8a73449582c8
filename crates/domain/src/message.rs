//! The messages between the services, one struct each. Queues, headers and delivery are `messaging`'s.

mod intake;
mod news;
mod stored;
mod work;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use self::intake::{CallbackApply, EventMerge, TracedDelivery, WebhookApply, WebhookApplyMany};
pub use self::news::{IntegrationStatusChanged, Proclaimed, RecordChanged, RecordLinked};
pub use self::stored::StoredMessage;
pub use self::work::{Amended, BackendTell, RecordAmend, RecordPush, RecordPushBulk, RunPage};
use crate::outcome::{SyncOutcome, WebhookOutcome};

/// A payload that travels over the broker.
pub trait Message: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The name with its version, as in `event.merge.v1`; a payload of another type is never decoded.
    const TYPE: &'static str;
    /// The routing key, which is the name of the queue.
    const QUEUE: &'static str;
    /// All its queues, of which [`Message::QUEUE`] is the first: more than one where much of one sort, or of one tenant, must not stand
    /// before the rest.
    const LANES: &'static [&'static str] = &[Self::QUEUE];
    /// Whether it is the only copy of what somebody was told is accepted. Such messages wait for their next attempt in queues of their own:
    /// all others only say where to look, and those queues may be emptied.
    const IS_INTAKE: bool = false;

    /// The one of its queues in which this message travels.
    fn queue(&self) -> &'static str {
        Self::QUEUE
    }
}

impl Message for SyncOutcome {
    const TYPE: &'static str = "sync.outcome.v1";
    const QUEUE: &'static str = "log.sync.write";
}

impl Message for WebhookOutcome {
    const TYPE: &'static str = "webhook.outcome.v1";
    const QUEUE: &'static str = "log.webhook.write";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_in_from_outside_is_the_intake_but_for_reports_which_are_looked_into() {
        assert_eq!([EventMerge::IS_INTAKE, WebhookApply::IS_INTAKE, WebhookApplyMany::IS_INTAKE], [true; 3]);
        assert_eq!([CallbackApply::IS_INTAKE, RecordPush::IS_INTAKE, WebhookOutcome::IS_INTAKE], [false; 3]);
    }

    #[test]
    fn the_first_lane_is_the_queue_itself() {
        assert_eq!(EventMerge::LANES.first(), Some(&EventMerge::QUEUE));
        assert_eq!(RecordAmend::LANES.first(), Some(&RecordAmend::QUEUE));
        assert_eq!(RecordPush::LANES, [RecordPush::QUEUE]);
    }
}
