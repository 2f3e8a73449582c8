//! Pipedrive's deliveries, version 2. They are not signed: they bring the name and password that we chose, and what they say
//! is believed no further than to read the object again.

use domain::fault::FaultKind;
use domain::time::Timestamp;
use secrecy::SecretString;
use serde_json::Value;

use super::{Pipedrive, api};
use crate::error::ConnectorError;
use crate::values::id_of;
use crate::webhook::{Rejection, RemoteChange, SecretSource, WebhookFormat, WebhookRequest, basic};

/// The name that goes with the integration's secret.
pub(crate) const USER: &str = "coccinelle";

impl WebhookFormat for Pipedrive {
    fn secret(&self) -> SecretSource {
        SecretSource::Integration
    }

    fn verify(&self, request: &WebhookRequest<'_>, secret: &SecretString) -> Result<(), Rejection> {
        basic::verify(request.headers, USER, secret)
    }

    fn kept_headers(&self) -> &'static [&'static str] {
        &[]
    }

    /// Every event has an id; one without it is told by what it says, each attempt being numbered.
    fn delivery_id(&self, _headers: &[(String, String)], body: &[u8]) -> Option<String> {
        let body: Value = serde_json::from_slice(body).ok()?;
        let meta = body.get("meta")?;
        let text =
            |name: &str| meta.get(name).map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        let id = || text("id").filter(|id| !id.is_empty() && id != "null");
        let told = || {
            let parts: Option<Vec<String>> =
                ["webhook_id", "correlation_id", "entity_id", "timestamp"].into_iter().map(text).collect();
            parts.map(|parts| parts.join("/"))
        };
        id().or_else(told)
    }

    fn parse(&self, _headers: &[(String, String)], body: &str) -> Result<Vec<RemoteChange>, ConnectorError> {
        let event: Value = serde_json::from_str(body).unwrap_or_default();
        match event.get("meta").filter(|meta| meta.is_object()) {
            Some(meta) => Ok(changes_of(meta)),
            None => {
                let message = "the delivery does not say what it is about";
                Err(ConnectorError::new(FaultKind::Invalid, "malformed_delivery", message))
            }
        }
    }
}

/// What an event says has changed; nothing where it is of a sort that we do not keep.
fn changes_of(meta: &Value) -> Vec<RemoteChange> {
    let text = |name: &str| meta.get(name).and_then(Value::as_str);
    let (Some(kind), Some(external_id)) =
        (text("entity").and_then(api::kind_of), meta.get("entity_id").and_then(id_of))
    else {
        return Vec::new();
    };
    let merged_into = meta.get("merged_to_id").and_then(id_of).filter(|winner| *winner != external_id);
    vec![RemoteChange {
        account_id: meta.get("company_id").and_then(id_of),
        kind,
        external_id,
        occurred_at: text("timestamp").and_then(Timestamp::parse),
        deleted: merged_into.is_some() || text("action") == Some("delete"),
        merged_into,
    }]
}
