//! WooCommerce's deliveries: their signature, the greeting of a new webhook, and what they say has changed.

use domain::fault::FaultKind;
use domain::kind::RecordKind;
use secrecy::SecretString;
use serde_json::Value;

use super::{WooCommerce, wire};
use crate::error::ConnectorError;
use crate::webhook::{Rejection, RemoteChange, SecretSource, WebhookFormat, WebhookRequest, header, sealed};

const SIGNATURE: &str = "x-wc-webhook-signature";
const TOPIC: &str = "x-wc-webhook-topic";
const HOOK: &str = "x-wc-webhook-id";
const DELIVERY: &str = "x-wc-webhook-delivery-id";

/// A greeting is no longer than this.
const GREETING: usize = 64;

impl WebhookFormat for WooCommerce {
    fn secret(&self) -> SecretSource {
        SecretSource::Integration
    }

    /// What is signed is the body alone, so there is no time to check; what a delivery names is read again in any case.
    fn verify(&self, request: &WebhookRequest<'_>, secret: &SecretString) -> Result<(), Rejection> {
        sealed::verify(request, SIGNATURE, secret)
    }

    /// A new webhook says its number to its address, unsigned, and again until it is answered well.
    fn is_greeting(&self, request: &WebhookRequest<'_>) -> bool {
        let number = std::str::from_utf8(request.body).ok().and_then(|body| body.strip_prefix("webhook_id="));
        request.body.len() <= GREETING
            && header(request.headers, SIGNATURE).is_none()
            && number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
    }

    fn kept_headers(&self) -> &'static [&'static str] {
        &[TOPIC]
    }

    /// All that one webhook tells within a second has one delivery id; the signature stands for the body.
    fn delivery_id(&self, headers: &[(String, String)], _body: &[u8]) -> Option<String> {
        let part = |name: &str| header(headers, name);
        Some(format!("{}:{}:{}", part(HOOK)?, part(DELIVERY)?, part(SIGNATURE)?))
    }

    fn parse(&self, headers: &[(String, String)], body: &str) -> Result<Vec<RemoteChange>, ConnectorError> {
        let malformed = || {
            let message = "the delivery is not an object of a shop";
            ConnectorError::new(FaultKind::Invalid, "malformed_delivery", message)
        };
        let object: Value = serde_json::from_str(body).ok().ok_or_else(malformed)?;
        if !object.is_object() {
            return Err(malformed());
        }
        let Some((resource, event)) = header(headers, TOPIC).and_then(|topic| topic.split_once('.')) else {
            return Ok(Vec::new());
        };
        let kind = match resource {
            "customer" => RecordKind::Contact,
            "product" => RecordKind::Product,
            "order" => RecordKind::Order,
            // Coupons, and what plugins tell.
            _ => return Ok(Vec::new()),
        };
        let Some(external_id) = wire::id_of(&object) else { return Err(malformed()) };
        Ok(vec![RemoteChange {
            account_id: None,
            kind,
            external_id,
            occurred_at: wire::modified_at(&object),
            deleted: event == "deleted",
            merged_into: None,
        }])
    }
}
