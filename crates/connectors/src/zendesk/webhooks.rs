//! Zendesk's deliveries: their signature, and what they say has changed.

use domain::fault::FaultKind;
use domain::kind::RecordKind;
use domain::time::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::Zendesk;
use crate::error::ConnectorError;
use crate::signature;
use crate::values::id_of;
use crate::webhook::{Rejection, RemoteChange, SecretSource, WebhookFormat, WebhookRequest, header, sealed};

const SIGNATURE: &str = "x-zendesk-webhook-signature";
const TIMESTAMP: &str = "x-zendesk-webhook-signature-timestamp";

/// Zendesk sets no limit; this is the usual one, and holds both ways.
const WINDOW_MILLIS: u64 = 300_000;

/// With this everybody can sign: Zendesk does, as long as a webhook is not yet made.
const FOR_TESTS_ONLY: &str = "dGhpc19zZWNyZXRfaXNfZm9yX3Rlc3Rpbmdfb25seQ==";

/// What every event's name begins with.
const PREFIX: &str = "zen:event-type:user.";

impl WebhookFormat for Zendesk {
    fn secret(&self) -> SecretSource {
        SecretSource::Integration
    }

    fn verify(&self, request: &WebhookRequest<'_>, secret: &SecretString) -> Result<(), Rejection> {
        if secret.expose_secret() == FOR_TESTS_ONLY {
            return Err(Rejection::NoSecret);
        }
        let given = sealed::given(request, SIGNATURE, secret)?;
        let signed_at = header(request.headers, TIMESTAMP).ok_or(Rejection::Undated)?;
        let at = Timestamp::parse(signed_at).ok_or(Rejection::Undated)?;
        if at.as_millis().abs_diff(request.received_at.as_millis()) > WINDOW_MILLIS {
            return Err(Rejection::OutsideWindow);
        }
        // The time is signed as it was written, and the secret taken as it is.
        if signature::is_hmac_sha256(secret, &[signed_at.as_bytes(), request.body], &given) {
            Ok(())
        } else {
            Err(Rejection::WrongSignature)
        }
    }

    fn kept_headers(&self) -> &'static [&'static str] {
        &[]
    }

    fn delivery_id(&self, _headers: &[(String, String)], body: &[u8]) -> Option<String> {
        let event: Value = serde_json::from_slice(body).ok()?;
        event.get("id")?.as_str().filter(|id| !id.is_empty()).map(str::to_owned)
    }

    fn parse(&self, _headers: &[(String, String)], body: &str) -> Result<Vec<RemoteChange>, ConnectorError> {
        let event: Value = serde_json::from_str(body).unwrap_or_default();
        match event.get("type").and_then(Value::as_str) {
            Some(name) => Ok(change_of(name, &event).into_iter().collect()),
            None => {
                let message = "the delivery does not say what has happened";
                Err(ConnectorError::new(FaultKind::Invalid, "malformed_delivery", message))
            }
        }
    }
}

/// What an event says has changed; `None` where it is of a sort that we do not keep.
fn change_of(name: &str, event: &Value) -> Option<RemoteChange> {
    let happened = name.strip_prefix(PREFIX)?;
    let subject = || event.get("subject")?.as_str()?.strip_prefix("zen:user:").map(|id| Value::String(id.to_owned()));
    let id = event.pointer("/detail/id").and_then(id_of).or_else(|| id_of(&subject()?))?;
    // Who becomes one with somebody else is gone; a read says who.
    Some(RemoteChange {
        account_id: None,
        kind: RecordKind::Contact,
        external_id: id,
        occurred_at: event.get("time").and_then(Value::as_str).and_then(Timestamp::parse),
        deleted: matches!(happened, "deleted" | "merged"),
        merged_into: event.pointer("/event/user/id").and_then(id_of).filter(|_| happened == "merged"),
    })
}
