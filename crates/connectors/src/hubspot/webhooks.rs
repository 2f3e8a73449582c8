//! HubSpot's deliveries: their signature (version 3 only), and what they say has changed.

use domain::fault::FaultKind;
use domain::kind::RecordKind;
use domain::time::Timestamp;
use secrecy::SecretString;
use serde_json::Value;

use super::HubSpot;
use crate::error::ConnectorError;
use crate::signature;
use crate::webhook::{Rejection, RemoteChange, SecretSource, WebhookFormat, WebhookRequest, header, sealed};

const SIGNATURE: &str = "x-hubspot-signature-v3";
const TIMESTAMP: &str = "x-hubspot-request-timestamp";

/// HubSpot's own limit. It holds both ways here: a delivery from the future could be kept and replayed until then.
const WINDOW_MILLIS: u64 = 300_000;

/// What HubSpot decodes in a query before it signs. Nothing else, spaces included.
const DECODED: [(&str, &str); 12] = [
    ("%3A", ":"),
    ("%2F", "/"),
    ("%3F", "?"),
    ("%40", "@"),
    ("%21", "!"),
    ("%24", "$"),
    ("%27", "'"),
    ("%28", "("),
    ("%29", ")"),
    ("%2A", "*"),
    ("%2C", ","),
    ("%3B", ";"),
];

impl WebhookFormat for HubSpot {
    fn secret(&self) -> SecretSource {
        SecretSource::App
    }

    fn verify(&self, request: &WebhookRequest<'_>, secret: &SecretString) -> Result<(), Rejection> {
        let given = sealed::given(request, SIGNATURE, secret)?;
        let signed_at = header(request.headers, TIMESTAMP).ok_or(Rejection::Undated)?;
        let Ok(millis) = signed_at.parse::<i64>() else { return Err(Rejection::Undated) };
        if millis.abs_diff(request.received_at.as_millis()) > WINDOW_MILLIS {
            return Err(Rejection::OutsideWindow);
        }
        let is_signed_for = |uri: &str| {
            let parts = [request.method.as_bytes(), uri.as_bytes(), request.body, signed_at.as_bytes()];
            signature::is_hmac_sha256(secret, &parts, &given)
        };
        // Its documentation decodes, its own clients do not: where it makes a difference, either will do.
        let decoded = signed_uri(request.public_uri);
        if is_signed_for(&decoded) || (decoded != request.public_uri && is_signed_for(request.public_uri)) {
            Ok(())
        } else {
            Err(Rejection::WrongSignature)
        }
    }

    fn kept_headers(&self) -> &'static [&'static str] {
        &[]
    }

    /// HubSpot does not number its deliveries, and an event's id may come again in another one; but body and time are
    /// what is signed.
    fn delivery_id(&self, headers: &[(String, String)], _body: &[u8]) -> Option<String> {
        header(headers, SIGNATURE).map(str::to_owned)
    }

    fn parse(&self, _headers: &[(String, String)], body: &str) -> Result<Vec<RemoteChange>, ConnectorError> {
        match serde_json::from_str(body) {
            Ok(Value::Array(events)) => Ok(events.iter().flat_map(changes_of).collect()),
            Ok(_) | Err(_) => {
                let message = "the delivery is not an array of events";
                Err(ConnectorError::new(FaultKind::Invalid, "malformed_delivery", message))
            }
        }
    }
}

fn signed_uri(uri: &str) -> String {
    let uri = uri.split('#').next().unwrap_or_default();
    let Some((path, query)) = uri.split_once('?') else { return uri.to_owned() };
    let decode =
        |query: String, (code, plain): &(&str, &str)| query.replace(code, plain).replace(&code.to_lowercase(), plain);
    format!("{path}?{}", DECODED.iter().fold(query.to_owned(), decode))
}

/// What an event says has changed; nothing where it is of a type that we do not keep.
fn changes_of(event: &Value) -> Vec<RemoteChange> {
    let text = |name: &str| event.get(name).and_then(Value::as_str);
    let Some((object, happened)) = text("subscriptionType").and_then(|name| name.split_once('.')) else {
        return Vec::new();
    };
    let Some(kind) = kind_of(object, text("objectTypeId")) else { return Vec::new() };
    let change = |external_id: String, merged_into: Option<String>| RemoteChange {
        account_id: event.get("portalId").and_then(id_of),
        kind,
        external_id,
        occurred_at: event.get("occurredAt").and_then(Value::as_i64).and_then(Timestamp::from_millis),
        deleted: merged_into.is_some() || matches!(happened, "deletion" | "privacyDeletion"),
        merged_into,
    };
    let id = |name: &str| event.get(name).and_then(id_of);
    match happened {
        "creation" | "deletion" | "propertyChange" | "restore" | "privacyDeletion" => {
            id("objectId").map(|id| change(id, None)).into_iter().collect()
        }
        "merge" => {
            let Some(winner) = id("newObjectId").or_else(|| id("primaryObjectId")).or_else(|| id("objectId")) else {
                return Vec::new();
            };
            let merged = event.get("mergedObjectIds").and_then(Value::as_array).into_iter().flatten().filter_map(id_of);
            let losers = merged.chain(id("primaryObjectId")).filter(|loser| *loser != winner);
            let gone: Vec<RemoteChange> = losers.map(|loser| change(loser, Some(winner.clone()))).collect();
            [change(winner.clone(), None)].into_iter().chain(gone).collect()
        }
        // Ties are ours to make, and what we do not know we do not need.
        _ => Vec::new(),
    }
}

fn kind_of(object: &str, type_id: Option<&str>) -> Option<RecordKind> {
    match (object, type_id) {
        ("contact", _) | ("object", Some("0-1")) => Some(RecordKind::Contact),
        ("deal", _) | ("object", Some("0-3")) => Some(RecordKind::Deal),
        ("object", Some("0-48")) => Some(RecordKind::Activity),
        _ => None,
    }
}

/// Ids come as numbers, in some events as text.
fn id_of(value: &Value) -> Option<String> {
    match value {
        Value::Number(number) if number.is_u64() => Some(number.to_string()),
        Value::String(text) if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) => Some(text.clone()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => None,
    }
}
