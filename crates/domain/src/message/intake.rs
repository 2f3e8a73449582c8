//! What came in from outside and is not looked into yet: events, deliveries of platforms, reports of workflows.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Message;
use crate::event::{Acceptance, Event};
use crate::id::{ErrandId, IntegrationId, LinkId, TenantId, WebhookLogId};
use crate::platform::PlatformSlug;
use crate::time::Timestamp;
use crate::trace::TraceParent;
use crate::workflow::Report;

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
    const IS_INTAKE: bool = true;

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
    const IS_INTAKE: bool = true;
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
    const IS_INTAKE: bool = true;
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
}
