//! What was tried and what came of it: the content of the logs. Writing them is `log-writer`'s.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::fault::FaultKind;
use crate::field::FieldValue;
use crate::id::{IntegrationId, LinkId, RecordId, SyncLogId, TenantId, WebhookLogId};
use crate::kind::RecordKind;
use crate::platform::PlatformSlug;
use crate::time::Timestamp;

/// What was tried with a platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SyncType {
    /// An object was made there.
    Create,
    /// An object there was changed.
    Update,
    /// An object there was archived or deleted.
    Delete,
    /// An object that was already there was taken as the counterpart.
    Adopt,
    /// An object was read from there.
    Read,
}

impl SyncType {
    /// The name in `integration_sync_logs.sync_type`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::Adopt => "adopt",
            Self::Read => "read",
        }
    }
}

/// Why an attempt failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SyncError {
    /// Its class.
    pub class: FaultKind,
    /// A stable code, as the platform or the connector names it.
    pub code: String,
    /// A sentence for the tenant, without secrets.
    pub message: String,
}

impl SyncError {
    /// The same for all failures that one remedy mends: class, code, and the message without what differs from record
    /// to record (digits, quoted parts and e-mail addresses). It stands in addresses of pages, where no person may.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let mut shape = String::with_capacity(self.message.len());
        let mut quoted = false;
        for c in self.message.chars() {
            match c {
                '"' | '«' | '»' | '`' => quoted = !quoted,
                _ if quoted => {}
                c if c.is_ascii_digit() => {
                    if !shape.ends_with('#') {
                        shape.push('#');
                    }
                }
                c => shape.push(c),
            }
        }
        let without_addresses = |word: &str| if word.contains('@') { "@".to_owned() } else { word.to_owned() };
        let shape = shape.split(' ').map(without_addresses).collect::<Vec<_>>().join(" ");
        format!("{}:{}:{}", self.class.code(), self.code, shape.chars().take(120).collect::<String>())
    }
}

/// What a field held before an attempt, and holds after it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ValueChange {
    /// What was last seen in it; `null` where that was nothing, or nobody had looked.
    pub before: FieldValue,
    /// What it holds now; of an attempt that failed, what it should.
    pub after: FieldValue,
}

impl ValueChange {
    /// From one value to another; `None` where they are the same. What is absent holds nothing.
    #[must_use]
    pub fn between(before: Option<&FieldValue>, after: Option<&FieldValue>) -> Option<Self> {
        let [before, after] = [before, after].map(|value| value.cloned().unwrap_or_default());
        (before != after).then_some(Self { before, after })
    }
}

/// The fields that an attempt changed, by name: going out the platform's, coming in ours.
pub type FieldChanges = BTreeMap<String, ValueChange>;

/// One attempt at bringing a link into step: a row of `integration_sync_logs`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SyncOutcome {
    /// The row's id: a redelivered outcome meets itself.
    pub id: SyncLogId,
    /// When the attempt ended.
    pub created_at: Timestamp,
    /// Whose.
    pub tenant_id: TenantId,
    /// By which integration.
    pub integration_id: IntegrationId,
    /// Of which link.
    pub link_id: LinkId,
    /// Of which record; `None` where a remote object was not yet tied to one.
    pub record_id: Option<RecordId>,
    /// What the record is.
    pub kind: RecordKind,
    /// What was tried.
    pub sync_type: SyncType,
    /// The platform's id of the object, where known.
    pub external_id: Option<String>,
    /// Why it failed; `None` is success.
    pub error: Option<SyncError>,
    /// What was sent.
    pub request: Option<Value>,
    /// What came back.
    pub response: Option<Value>,
    /// What it changed; nothing in messages of before this was told.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub changes: BTreeMap<String, ValueChange>,
    /// How long the platform took, in milliseconds.
    pub duration_ms: u32,
    /// Which attempt it was; 1 is the first.
    pub attempt: u32,
    /// The trace that led here.
    pub correlation_id: String,
}

impl SyncOutcome {
    /// The word in `integration_sync_logs.status`.
    #[must_use]
    pub fn status(&self) -> &'static str {
        if self.error.is_none() { "success" } else { "failed" }
    }
}

/// What became of a delivery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case", tag = "result")]
pub enum WebhookResult {
    /// Refused at the door.
    Refused {
        /// A stable code for why.
        reason: String,
    },
    /// Verified, and what it named was marked for reading.
    Applied {
        /// How many objects were marked.
        marked: u32,
    },
    /// Verified, and of no use to anybody here.
    Ignored {
        /// A stable code for why.
        reason: String,
    },
}

/// One inbound delivery: a row of `integration_webhook_logs`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WebhookOutcome {
    /// The row's id, given when the delivery came in.
    pub id: WebhookLogId,
    /// When it came in.
    pub created_at: Timestamp,
    /// Who sent it, or claimed to.
    pub platform: PlatformSlug,
    /// Whose, where known.
    pub tenant_id: Option<TenantId>,
    /// For which integration, where known.
    pub integration_id: Option<IntegrationId>,
    /// The platform's own id of the delivery.
    pub delivery_id: Option<String>,
    /// What became of it.
    pub result: WebhookResult,
    /// Its body; only of verified ones.
    pub body: Option<Value>,
    /// The trace it began.
    pub correlation_id: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fingerprint(message: &str) -> String {
        let (class, code) = (FaultKind::Invalid, "TAKEN".to_owned());
        SyncError { class, code, message: message.to_owned() }.fingerprint()
    }

    #[test]
    fn what_differs_from_record_to_record_is_in_no_fingerprint() {
        assert_eq!(fingerprint("zoe.d+1@exemple.fr, of 42, is taken"), "invalid:TAKEN:@ of #, is taken");
        for (one, other) in [
            ("zoe@exemple.fr is taken", "paul.martin@example.com is taken"),
            ("is <zoe@exemple.fr> known?", "is <a@b.fr> known?"),
            ("\"Zoé\" has 5", "\"Paul\" has 12"),
        ] {
            assert_eq!(fingerprint(one), fingerprint(other));
        }
        assert_ne!(fingerprint("a number is wrong"), fingerprint("a name is wrong"));
    }
}
