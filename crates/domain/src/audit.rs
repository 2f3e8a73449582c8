//! What somebody changed, and from where: the content of the audit log. Keeping it is `persistence`'s.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::access::Role;
use crate::id::{TenantId, WebhookLogId};
use crate::platform::PlatformSlug;

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum Action {
    /// An account was connected.
    #[serde(rename = "integration.created")]
    IntegrationCreated,
    /// Its configuration was changed.
    #[serde(rename = "integration.updated")]
    IntegrationUpdated,
    /// It was deleted.
    #[serde(rename = "integration.deleted")]
    IntegrationDeleted,
    /// It was disconnected, and kept.
    #[serde(rename = "integration.disconnected")]
    IntegrationDisconnected,
    /// It was switched on.
    #[serde(rename = "integration.enabled")]
    IntegrationEnabled,
    /// It was switched off.
    #[serde(rename = "integration.disabled")]
    IntegrationDisabled,
    /// Its connection was tried, which may change its status.
    #[serde(rename = "integration.tested")]
    IntegrationTested,
    /// Somebody went to the platform's page to consent.
    #[serde(rename = "integration.consent_started")]
    ConsentStarted,
    /// The mapping of a kind was changed.
    #[serde(rename = "mapping.updated")]
    MappingUpdated,
    /// The secret that signs its webhooks was replaced.
    #[serde(rename = "webhook_secret.rotated")]
    WebhookSecretRotated,
    /// The secret that its own workflow knows us by was told.
    #[serde(rename = "workflow_secret.told")]
    WorkflowSecretTold,
    /// Failures were unblocked.
    #[serde(rename = "failures.replayed")]
    FailuresReplayed,
    /// A full sync was asked for.
    #[serde(rename = "run.started")]
    RunStarted,
    /// It was asked to end.
    #[serde(rename = "run.cancelled")]
    RunCancelled,
    /// Its deletions were agreed to.
    #[serde(rename = "run.confirmed")]
    RunConfirmed,
    /// A conflict was decided.
    #[serde(rename = "conflict.decided")]
    ConflictDecided,
    /// A person is to be erased, once the platforms have deleted it.
    #[serde(rename = "person.erasure_requested")]
    PersonErasureRequested,
    /// A person was erased.
    #[serde(rename = "person.erased")]
    PersonErased,
    /// A person asked, at a platform, what is kept of them.
    #[serde(rename = "person.data_requested")]
    PersonDataRequested,
    /// What came from an account of a platform was erased, since the platform asked for it.
    #[serde(rename = "integration.erased")]
    IntegrationErased,
    /// An identifier of an erased person may come in again.
    #[serde(rename = "suppression.lifted")]
    SuppressionLifted,
    /// The tenant's settings were changed.
    #[serde(rename = "settings.updated")]
    SettingsUpdated,
    /// An alert was sent on trial.
    #[serde(rename = "alerts.tried")]
    AlertsTried,
    /// A token was made for a program.
    #[serde(rename = "token.created")]
    TokenCreated,
    /// It was revoked.
    #[serde(rename = "token.revoked")]
    TokenRevoked,
}

/// Who did it, and where the request came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Author {
    /// Who, as their token calls them.
    pub sub: String,
    /// What their token allows them.
    pub roles: Vec<Role>,
    /// The address of the other end.
    pub address: Option<IpAddr>,
    /// What the caller's program calls itself.
    pub user_agent: Option<String>,
    /// The trace of the request.
    pub request_id: String,
}

impl Author {
    /// A platform, by what it told us in this delivery.
    #[must_use]
    pub fn platform(platform: &PlatformSlug, delivery: WebhookLogId) -> Self {
        let (sub, request_id) = (platform.to_string(), delivery.to_string());
        Self { sub, roles: Vec::new(), address: None, user_agent: None, request_id }
    }
}

/// A field that was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldChange {
    /// Its name.
    #[schema(example = "direction")]
    pub field: String,
    /// What it was; absent where that might be a secret, or is large.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// What it is now; absent where that might be a secret, or is large.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
}

impl FieldChange {
    /// A change of which nothing but the field's name is told: for credentials, addresses with keys in them, lists.
    #[must_use]
    pub fn named(field: &str) -> Self {
        Self { field: field.to_owned(), before: None, after: None }
    }

    /// A change that may be told in full; `None` where nothing changed. Only for what can never hold a secret.
    #[must_use]
    pub fn told(field: &str, before: impl Into<Value>, after: impl Into<Value>) -> Option<Self> {
        let (before, after) = (before.into(), after.into());
        (before != after).then(|| Self { field: field.to_owned(), before: Some(before), after: Some(after) })
    }
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Whose things were changed.
    pub tenant_id: TenantId,
    /// Who did it.
    pub author: &'a Author,
    /// What was done.
    pub action: Action,
    /// To what: an id; `None` where that is the tenant.
    pub target: Option<String>,
    /// Which fields.
    pub changes: Vec<FieldChange>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_stayed_the_same_is_no_change() {
        assert_eq!(FieldChange::told("enabled", true, true), None);
        let change = FieldChange::told("enabled", false, true).unwrap();
        assert_eq!(json!(change), json!({ "field": "enabled", "before": false, "after": true }));
    }

    #[test]
    fn a_secret_is_told_by_its_name_alone() {
        assert_eq!(json!(FieldChange::named("credentials")), json!({ "field": "credentials" }));
    }
}
