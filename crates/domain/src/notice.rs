//! What Coccinelle's backend is told, and in which words. When it is owed is `link`'s; how it travels is `connectors::backend`'s.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::field::{FieldName, FieldValue};
use crate::id::{IntegrationId, RecordId, TenantId};
use crate::integration::Status;
use crate::kind::RecordKind;
use crate::platform::PlatformSlug;
use crate::time::Timestamp;

/// What a notice is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum NoticeType {
    /// A record holds something that the backend does not.
    #[serde(rename = "record.changed")]
    RecordChanged,
    /// A record has a counterpart in an integration, another one, or none any more.
    #[serde(rename = "record.linked")]
    RecordLinked,
    /// An integration is better or worse than it was.
    #[serde(rename = "integration.status_changed")]
    StatusChanged,
}

impl NoticeType {
    /// The name on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RecordChanged => "record.changed",
            Self::RecordLinked => "record.linked",
            Self::StatusChanged => "integration.status_changed",
        }
    }
}

impl fmt::Display for NoticeType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One thing that the backend is told: the body of one webhook.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Notice {
    /// When it is told.
    pub timestamp: Timestamp,
    /// What, under the name of its type.
    #[serde(flatten)]
    pub news: News,
}

/// The content of a notice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum News {
    /// See [`NoticeType::RecordChanged`].
    #[serde(rename = "record.changed")]
    RecordChanged(Changed),
    /// See [`NoticeType::RecordLinked`].
    #[serde(rename = "record.linked")]
    RecordLinked(Linked),
    /// See [`NoticeType::StatusChanged`].
    #[serde(rename = "integration.status_changed")]
    StatusChanged(StatusChanged),
}

impl News {
    /// What it is about.
    #[must_use]
    pub fn notice_type(&self) -> NoticeType {
        match self {
            Self::RecordChanged(_) => NoticeType::RecordChanged,
            Self::RecordLinked(_) => NoticeType::RecordLinked,
            Self::StatusChanged(_) => NoticeType::StatusChanged,
        }
    }
}

/// Which record a notice is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// Whose.
    pub tenant_id: TenantId,
    /// The record.
    pub record_id: RecordId,
    /// What it is.
    pub kind: RecordKind,
    /// The backend's own ids of it; none of what it never told us of, several of what turned out to be one.
    pub subject_ids: BTreeSet<String>,
}

/// A record as it is now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Changed {
    /// Which.
    #[serde(flatten)]
    pub subject: Subject,
    /// Counts the record's changes.
    pub version: i64,
    /// Whether it is deleted.
    pub deleted: bool,
    /// What it holds, in the words of an event's `data`.
    pub fields: BTreeMap<FieldName, FieldValue>,
    /// Which of that the backend does not hold, as far as is known; `deleted` and `contact` may be among them.
    pub changed: BTreeSet<FieldName>,
    /// The contact that a deal or an activity belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<Subject>,
}

/// What stands for a record in an integration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Linked {
    /// Which record.
    #[serde(flatten)]
    pub subject: Subject,
    /// Where.
    pub integration_id: IntegrationId,
    /// At which platform.
    pub platform: PlatformSlug,
    /// The platform's id of it; `None` where there is none any more.
    pub external_id: Option<String>,
}

/// How an integration is now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusChanged {
    /// Whose.
    pub tenant_id: TenantId,
    /// Which.
    pub integration_id: IntegrationId,
    /// At which platform.
    pub platform: PlatformSlug,
    /// The name that the tenant gave it.
    pub name: String,
    /// How it is.
    pub status: Status,
    /// What the backend was told before; `None` the first time.
    pub previous_status: Option<Status>,
    /// Why it is so, in a sentence for the tenant.
    pub cause: Option<String>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_notice_is_its_type_its_time_and_its_data() {
        let (tenant_id, integration_id) = (TenantId::new(), IntegrationId::new());
        let news = News::StatusChanged(StatusChanged {
            tenant_id,
            integration_id,
            platform: "hubspot".parse().unwrap(),
            name: "Notre CRM".to_owned(),
            status: Status::ReauthRequired,
            previous_status: Some(Status::Active),
            cause: None,
        });
        let at = Timestamp::parse("2026-11-27T12:00:00Z").unwrap();
        let told = serde_json::to_value(Notice { timestamp: at, news: news.clone() }).unwrap();
        let expected = json!({"type": news.notice_type().as_str(), "timestamp": at, "data": {
            "tenant_id": tenant_id, "integration_id": integration_id, "platform": "hubspot", "name": "Notre CRM",
            "status": "reauth_required", "previous_status": "active", "cause": null}});
        assert_eq!(told, expected);
    }
}
