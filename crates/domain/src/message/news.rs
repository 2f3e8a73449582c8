//! What other services may hear on the topic exchange: of records, of their counterparts, of integrations.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::id::{IntegrationId, RecordId, TenantId};
use crate::integration::Status;
use crate::kind::RecordKind;

/// A word to other services, of whom there may be none, on the topic exchange. What it is about, they ask for.
pub trait Proclaimed: Serialize + Send + Sync {
    /// The name with its version.
    const TYPE: &'static str;

    /// By what other services choose what they hear of whom.
    fn routing_key(&self) -> String;
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
