//! What was changed, by whom and when, as the page of the settings tells it: in words, and with what it was done to.

use domain::integration::Integration;
use domain::time::Timestamp;
use persistence::audit::Change;
use serde_json::Value;

use super::text::{Message, audit};

/// A change on one line.
#[derive(Debug)]
pub(super) struct Told {
    /// What was done; `None` where this version has no words for it.
    pub(super) what: Option<Message>,
    /// Its code.
    pub(super) action: String,
    /// Which fields.
    pub(super) fields: String,
    /// The id of what it was done to; empty where that is the tenant.
    pub(super) target: String,
    /// What the integration is called, where it was done to one that is still there.
    pub(super) name: Option<String>,
    pub(super) sub: String,
    pub(super) at: Timestamp,
}

impl Told {
    /// The change; `integrations` are those that are there.
    pub(super) fn of(change: Change, integrations: &[Integration]) -> Self {
        let fields: Vec<String> = change.changes.into_iter().map(|change| change.field).collect();
        let target = change.target.unwrap_or_default();
        let integration = integrations.iter().find(|integration| integration.id.to_string() == target);
        Self {
            what: serde_json::from_value(Value::from(change.action.as_str())).ok().map(audit::done),
            action: change.action,
            fields: fields.join(", "),
            name: integration.map(|integration| integration.name.clone()),
            target,
            sub: change.sub,
            at: change.created_at,
        }
    }
}
