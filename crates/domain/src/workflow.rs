//! Writes that a workflow in n8n makes for us: what is asked of it, under which pass, and what it reports. Sending is `connectors`'.

pub mod faults;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::ToSchema;

use crate::id::{ErrandId, IntegrationId, LinkId, RecordId, TenantId};
use crate::kind::RecordKind;
use crate::time::Timestamp;

/// What is to be done with an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verb {
    /// Make it.
    Create,
    /// Change it.
    Update,
    /// Delete or archive it.
    Delete,
}

impl Verb {
    const ALL: [Self; 3] = [Self::Create, Self::Update, Self::Delete];

    fn word(self, kind: RecordKind) -> &'static str {
        match (self, kind) {
            // A call is logged, in the words of the first version.
            (Self::Create, RecordKind::Activity) => "log",
            (Self::Create, RecordKind::Contact | RecordKind::Deal | RecordKind::Product | RecordKind::Order) => {
                "create"
            }
            (Self::Update, _) => "update",
            (Self::Delete, _) => "delete",
        }
    }
}

/// What a workflow is asked to do, as in `create_contact` or `log_activity`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Action {
    /// What.
    pub verb: Verb,
    /// With what.
    pub kind: RecordKind,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_{}", self.verb.word(self.kind), self.kind)
    }
}

/// The text names no action.
#[derive(Debug, thiserror::Error)]
#[error("this is no action of a workflow")]
pub struct UnknownAction;

impl FromStr for Action {
    type Err = UnknownAction;

    fn from_str(text: &str) -> Result<Self, UnknownAction> {
        let all = RecordKind::ALL.into_iter().flat_map(|kind| Verb::ALL.map(|verb| Self { verb, kind }));
        all.into_iter().find(|action| action.to_string() == text).ok_or(UnknownAction)
    }
}

impl Serialize for Action {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Action {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A write that is in a workflow's hands, as its link remembers it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Errand {
    /// Its id.
    pub event_id: ErrandId,
    /// What was asked.
    pub action: Action,
    /// The record's version that was handed over; a failure at it does not block a later one.
    pub version: i64,
    /// The mapping's version that was handed over.
    pub mapping: i64,
    /// The platform's id of the object to change or take away; the link itself holds it only once it is given back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// Until when nobody else writes: its pass is no longer valid then, and what it began has ended.
    pub until: Timestamp,
    /// Whether the workflow has reported success.
    #[serde(default)]
    pub reported: bool,
}

impl Errand {
    /// Whether the workflow may still be at it.
    #[must_use]
    pub fn is_under_way(&self, now: Timestamp) -> bool {
        !self.reported && now < self.until
    }
}

/// What one errand permits: the claims of its tokens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pass {
    /// Whose.
    #[serde(rename = "t")]
    pub tenant_id: TenantId,
    /// By which integration.
    #[serde(rename = "i")]
    pub integration_id: IntegrationId,
    /// Of which link.
    #[serde(rename = "l")]
    pub link_id: LinkId,
    /// Of which record.
    #[serde(rename = "r")]
    pub record_id: RecordId,
    /// Which errand.
    #[serde(rename = "e")]
    pub event_id: ErrandId,
    /// What it may do.
    #[serde(rename = "a")]
    pub action: Action,
    /// Until when.
    #[serde(rename = "x")]
    pub expires_at: Timestamp,
}

/// What a workflow says became of an errand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Report {
    /// Whether it was done.
    pub success: bool,
    /// The platform's id of the object, where it says one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// Why it was not done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Whether the same may succeed later.
    #[serde(default)]
    pub retryable: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_have_the_names_of_the_first_version() {
        let action = |verb, kind| Action { verb, kind }.to_string();
        assert_eq!(action(Verb::Create, RecordKind::Contact), "create_contact");
        assert_eq!(action(Verb::Update, RecordKind::Deal), "update_deal");
        assert_eq!(action(Verb::Create, RecordKind::Activity), "log_activity");
        assert_eq!(action(Verb::Delete, RecordKind::Order), "delete_order");
    }

    #[test]
    fn every_action_is_read_back_from_its_name() {
        for kind in RecordKind::ALL {
            for verb in Verb::ALL {
                let action = Action { verb, kind };
                assert_eq!(action.to_string().parse::<Action>().unwrap(), action);
            }
        }
        assert!("create_activity".parse::<Action>().is_err());
    }
}
