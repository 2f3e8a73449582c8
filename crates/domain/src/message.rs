//! The messages between the services, one struct each. Queues, headers and delivery are `messaging`'s.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::event::{Acceptance, Event};
use crate::id::{ConflictId, ErrandId, IntegrationId, LinkId, RecordId, RunId, TenantId, WebhookLogId};
use crate::integration::Status;
use crate::kind::RecordKind;
use crate::outcome::{SyncOutcome, WebhookOutcome};
use crate::platform::PlatformSlug;
use crate::time::Timestamp;
use crate::trace::TraceParent;
use crate::workflow::Report;

/// A payload that travels over the broker.
pub trait Message: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The name with its version, as in `event.merge.v1`; a payload of another type is never decoded.
    const TYPE: &'static str;
    /// The routing key, which is the name of the queue.
    const QUEUE: &'static str;
    /// All its queues, of which [`Message::QUEUE`] is the first: more than one where much of one sort, or of one tenant, must not stand
    /// before the rest.
    const LANES: &'static [&'static str] = &[Self::QUEUE];

    /// The one of its queues in which this message travels.
    fn queue(&self) -> &'static str {
        Self::QUEUE
    }
}

/// A word to other services, of whom there may be none, on the topic exchange. What it is about, they ask for.
pub trait Proclaimed: Serialize + Send + Sync {
    /// The name with its version.
    const TYPE: &'static str;

    /// By what other services choose what they hear of whom.
    fn routing_key(&self) -> String;
}

/// Events of one tenant that were accepted together. The only copy until they are merged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EventMerge {
    /// Whose they are.
    pub tenant_id: TenantId,
    /// When they were accepted, the last of them where each has an acceptance of its own; no time in them counts as later.
    pub accepted_at: Timestamp,
    /// At most [`EventMerge::LIMIT`], in the order in which they came. Those of several requests each say in `acceptance` when (`at`)
    /// and in which `trace` they were accepted: the message's own trace belongs to none of them.
    pub events: Vec<Event>,
}

impl EventMerge {
    /// How many events one message holds at most.
    pub const LIMIT: usize = 100;

    /// The queue for all events of a tenant: always the same, so that they keep their order, and a flood stands before those few
    /// alone who share it.
    #[must_use]
    pub fn queue_of(tenant: TenantId) -> &'static str {
        // The last bits of an id are random.
        let [lowest, ..] = tenant.as_u128().to_le_bytes();
        Self::LANES.get(usize::from(lowest) % Self::LANES.len()).copied().unwrap_or(Self::QUEUE)
    }

    /// Whether its events are of several requests.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.events.iter().any(|event| event.acceptance.is_some())
    }

    /// Each event in a message of its own, as it would have been published alone, and its trace: `trace` where it has none.
    #[must_use]
    pub fn apart(&self, trace: TraceParent) -> Vec<(Self, TraceParent)> {
        let alone = |event: &Event| {
            let own = event.acceptance.unwrap_or(Acceptance { at: self.accepted_at, trace });
            let events = vec![Event { acceptance: None, ..event.clone() }];
            (Self { tenant_id: self.tenant_id, accepted_at: own.at, events }, own.trace)
        };
        self.events.iter().map(alone).collect()
    }
}

impl Message for EventMerge {
    const TYPE: &'static str = "event.merge.v1";
    const QUEUE: &'static str = "dispatcher.event.merge";
    const LANES: &'static [&'static str] = &[
        Self::QUEUE,
        "dispatcher.event.merge.1",
        "dispatcher.event.merge.2",
        "dispatcher.event.merge.3",
        "dispatcher.event.merge.4",
        "dispatcher.event.merge.5",
        "dispatcher.event.merge.6",
        "dispatcher.event.merge.7",
    ];

    fn queue(&self) -> &'static str {
        Self::queue_of(self.tenant_id)
    }
}

/// A verified delivery of a platform, not yet looked into.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WebhookApply {
    /// The id of its log row.
    pub delivery: WebhookLogId,
    /// Who sent it.
    pub platform: PlatformSlug,
    /// For which integration, where its own URL was called.
    pub integration_id: Option<IntegrationId>,
    /// When it was accepted.
    pub received_at: Timestamp,
    /// The headers that the connector's parser needs, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body as it came.
    pub body: String,
}

impl Message for WebhookApply {
    const TYPE: &'static str = "webhook.apply.v1";
    const QUEUE: &'static str = "dispatcher.webhook.apply";
}

/// Deliveries that came while others were being confirmed, and so were published together.
///
/// They are applied together, in their order, and each is as if it had come alone: it is logged alone, and tried again alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WebhookApplyMany {
    /// At most [`WebhookApplyMany::LIMIT`].
    pub deliveries: Vec<TracedDelivery>,
}

impl WebhookApplyMany {
    /// How many deliveries one message holds at most.
    pub const LIMIT: usize = 100;
}

/// One of several deliveries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TracedDelivery {
    /// The trace that it began: the message's own belongs to none of them.
    #[schema(value_type = String)]
    pub trace: TraceParent,
    /// What would have been published, had it come alone.
    pub delivery: WebhookApply,
}

// A queue of its own: while the services are replaced, a dispatcher that does not know this type leaves it to one that does.
impl Message for WebhookApplyMany {
    const TYPE: &'static str = "webhook.apply_many.v1";
    const QUEUE: &'static str = "dispatcher.webhook.apply_many";
}

/// "Look at this link": bring one record and one integration into step, whatever is owed by then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
pub struct RecordPush {
    /// Whose.
    pub tenant_id: TenantId,
    /// Which integration.
    pub integration_id: IntegrationId,
    /// Which link.
    pub link_id: LinkId,
}

impl Message for RecordPush {
    const TYPE: &'static str = "record.push.v1";
    const QUEUE: &'static str = "dispatcher.record.push";
}

/// The same, for what nobody waits for at once: back-fills and runs, which live changes must not queue behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct RecordPushBulk(pub RecordPush);

impl Message for RecordPushBulk {
    const TYPE: &'static str = "record.push_bulk.v1";
    const QUEUE: &'static str = "dispatcher.record.push_bulk";
}

/// "Tell the backend what it does not hold of this record", whatever that is by then; the link is the backend's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
pub struct BackendTell {
    /// Whose.
    pub tenant_id: TenantId,
    /// The backend's link of the record.
    pub link_id: LinkId,
}

impl Message for BackendTell {
    const TYPE: &'static str = "backend.tell.v1";
    const QUEUE: &'static str = "dispatcher.backend.tell";
}

/// "This record is another than it was."
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
pub struct RecordChanged {
    /// Whose.
    pub tenant_id: TenantId,
    /// Which record.
    pub record_id: RecordId,
    /// What it is.
    pub kind: RecordKind,
    /// Its version by then; one that is not newer than what is known says nothing.
    pub version: i64,
}

impl Proclaimed for RecordChanged {
    const TYPE: &'static str = "record.changed.v1";

    fn routing_key(&self) -> String {
        format!("{}.{}.changed", self.tenant_id, self.kind)
    }
}

/// "This record has another counterpart in an integration than it had, or none any more."
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
pub struct RecordLinked {
    /// Whose.
    pub tenant_id: TenantId,
    /// Which record.
    pub record_id: RecordId,
    /// What it is.
    pub kind: RecordKind,
    /// Where.
    pub integration_id: IntegrationId,
}

impl Proclaimed for RecordLinked {
    const TYPE: &'static str = "record.linked.v1";

    fn routing_key(&self) -> String {
        format!("{}.{}.linked", self.tenant_id, self.kind)
    }
}

/// "An integration is better or worse than it was."
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IntegrationStatusChanged {
    /// Whose.
    pub tenant_id: TenantId,
    /// Which.
    pub integration_id: IntegrationId,
    /// How it is.
    pub status: Status,
}

impl Proclaimed for IntegrationStatusChanged {
    const TYPE: &'static str = "integration.status_changed.v1";

    fn routing_key(&self) -> String {
        format!("{}.integration.status_changed", self.tenant_id)
    }
}

/// "Move this run on": its next page, provided that it still stands where it stood when this was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
pub struct RunPage {
    /// Whose.
    pub tenant_id: TenantId,
    /// Of which integration.
    pub integration_id: IntegrationId,
    /// Which run.
    pub run_id: RunId,
    /// How many of its pages are done.
    pub sequence: i64,
}

impl Message for RunPage {
    const TYPE: &'static str = "run.page.v1";
    const QUEUE: &'static str = "dispatcher.run.page";
}

/// "Somebody decided something of a record": bring the records into line with what was decided, whatever that is by then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
pub struct RecordAmend {
    /// Whose.
    pub tenant_id: TenantId,
    /// What was decided on.
    pub subject: Amended,
}

/// What somebody decided on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Amended {
    /// A conflict.
    Conflict(ConflictId),
    /// A person who is to be deleted on the platforms and then erased.
    Erasure(RecordId),
    /// Values that a record which failed is to hold, by the link that is then tried again.
    Edit(LinkId),
}

impl RecordAmend {
    /// The queue for values that failed records are to hold: these are as many as failures, and other decisions do not wait behind them.
    pub const EDITS: &'static str = "dispatcher.record.amend.1";
}

impl Message for RecordAmend {
    const TYPE: &'static str = "record.amend.v1";
    const QUEUE: &'static str = "dispatcher.record.amend";
    const LANES: &'static [&'static str] = &[Self::QUEUE, Self::EDITS];

    fn queue(&self) -> &'static str {
        match self.subject {
            Amended::Edit(_) => Self::EDITS,
            Amended::Conflict(_) | Amended::Erasure(_) => Self::QUEUE,
        }
    }
}

/// What a workflow reports of a write that was handed to it. A hint: what is there is read before it is believed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CallbackApply {
    /// Whose.
    pub tenant_id: TenantId,
    /// By which integration.
    pub integration_id: IntegrationId,
    /// Of which link.
    pub link_id: LinkId,
    /// Which write.
    pub event_id: ErrandId,
    /// When it was reported.
    pub received_at: Timestamp,
    /// What became of it.
    #[serde(flatten)]
    pub report: Report,
}

impl Message for CallbackApply {
    const TYPE: &'static str = "callback.apply.v1";
    const QUEUE: &'static str = "dispatcher.callback.apply";
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
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_tenants_events_share_one_queue_and_many_tenants_use_them_all() {
        let tenants: Vec<_> = std::iter::repeat_with(TenantId::new).take(1_000).collect();
        let used: BTreeSet<_> = tenants.iter().map(|tenant| EventMerge::queue_of(*tenant)).collect();
        assert_eq!(used, EventMerge::LANES.iter().copied().collect::<BTreeSet<_>>());
        for tenant_id in tenants {
            let message = EventMerge { tenant_id, accepted_at: Timestamp::now(), events: Vec::new() };
            assert_eq!(message.queue(), EventMerge::queue_of(tenant_id));
        }
    }

    #[test]
    fn values_for_failed_records_stand_before_no_other_decision() {
        let queue = |subject| RecordAmend { tenant_id: TenantId::new(), subject }.queue();
        let others = [Amended::Conflict(ConflictId::new()), Amended::Erasure(RecordId::new())];
        assert_eq!(others.map(queue), [RecordAmend::QUEUE; 2]);
        assert_eq!(queue(Amended::Edit(LinkId::new())), RecordAmend::EDITS);
        assert!(RecordAmend::LANES.contains(&RecordAmend::EDITS));
    }

    #[test]
    fn the_first_lane_is_the_queue_itself() {
        assert_eq!(EventMerge::LANES.first(), Some(&EventMerge::QUEUE));
        assert_eq!(RecordAmend::LANES.first(), Some(&RecordAmend::QUEUE));
        assert_eq!(RecordPush::LANES, [RecordPush::QUEUE]);
    }
}
