//! What is to be done: each says where to look, and what is owed by then is read there.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Message;
use crate::id::{ConflictId, IntegrationId, LinkId, RecordId, RunId, TenantId};

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_for_failed_records_stand_before_no_other_decision() {
        let queue = |subject| RecordAmend { tenant_id: TenantId::new(), subject }.queue();
        let others = [Amended::Conflict(ConflictId::new()), Amended::Erasure(RecordId::new())];
        assert_eq!(others.map(queue), [RecordAmend::QUEUE; 2]);
        assert_eq!(queue(Amended::Edit(LinkId::new())), RecordAmend::EDITS);
        assert!(RecordAmend::LANES.contains(&RecordAmend::EDITS));
    }
}
