//! Deliveries of our own, signed as the platform signs its: each that is answered for has to be in the log afterwards.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use reqwest::{Client, RequestBuilder, StatusCode};
use ring::hmac;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

use crate::session::{PORTAL, Service, Session};

const PATH: &str = "/webhooks/integrations/hubspot";

/// The address that deliveries are sent to, and signed for.
pub(crate) fn address(session: &Session) -> String {
    format!("{}{PATH}", session.url(Service::WebhookIngest))
}

/// A delivery, by its number another one, which says that a contact changed.
pub(crate) fn delivery(
    client: &Client,
    url: &str,
    secret: &SecretString,
    (contact, number): (u64, u64),
) -> anyhow::Result<RequestBuilder> {
    let now = chrono::Utc::now().timestamp_millis();
    let body = json!([{
        "eventId": number, "subscriptionId": 3, "portalId": PORTAL.parse::<u64>()?, "appId": 11, "occurredAt": now,
        "subscriptionType": "contact.propertyChange", "attemptNumber": 0, "objectId": contact, "propertyName": "city",
        "propertyValue": "?", "changeSource": "CRM_UI",
    }])
    .to_string();
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose_secret().as_bytes());
    let signature = hmac::sign(&key, format!("POST{url}{body}{now}").as_bytes());
    let request = client.post(url).header("content-type", "application/json");
    let request = request.header("x-hubspot-request-timestamp", now.to_string());
    Ok(request.header("x-hubspot-signature-v3", BASE64_STANDARD.encode(signature)).body(body))
}

/// Delivers that a contact changed; the delivery's id where the ingest answered for it.
pub(super) async fn deliver(session: &Session, contact: u64, number: u64) -> anyhow::Result<Option<String>> {
    let (url, secret) = (address(session), session.webhook_secret());
    let request = delivery(session.client(), &url, &secret, (contact, number))?;
    // One that is away, or dies over it, has answered for nothing.
    let Ok(answer) = request.send().await else { return Ok(None) };
    if answer.status() != StatusCode::ACCEPTED {
        return Ok(None);
    }
    let answer: Value = answer.json().await?;
    Ok(answer.get("delivery").and_then(Value::as_str).map(str::to_owned))
}
