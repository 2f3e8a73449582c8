//! Webhooks: who has subscribed, and the signed deliveries.

use std::{sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use ring::hmac;
use serde_json::{Value, json};

use super::{
    CLIENT, VERSION,
    shop::{CUSTOMERS, HOOKS, ORDERS, PRODUCTS, Trader},
    show,
};
use crate::{
    clock,
    desk::Ledger,
    sender::{Carrier, Letter, Secret},
};

/// Where something is told, as far as a delivery needs it.
#[derive(Debug)]
pub(crate) struct Hook {
    uri: String,
    secret: Secret,
    topic: String,
    domain: String,
    /// The same for every attempt.
    delivery: String,
}

impl Hook {
    /// To that address, under that secret: of a topic, about the shop of that name.
    pub(crate) fn new(uri: String, secret: Secret, (topic, shop): (&str, &str)) -> Self {
        let delivery = format!("{:032x}", rand::random::<u128>());
        Self { uri, secret, topic: topic.to_owned(), domain: domain_of(shop), delivery }
    }
}

/// The domain of the shop of that name.
pub(crate) fn domain_of(shop: &str) -> String {
    format!("{shop}.myshopify.com")
}

impl Carrier for Hook {
    fn url(&self) -> &str {
        &self.uri
    }

    fn most_events(&self) -> usize {
        1
    }

    fn deadline(&self) -> Duration {
        Duration::from_secs(5)
    }

    /// Of the eight attempts in four hours, the first.
    fn pauses(&self) -> &'static [Duration] {
        const { &[Duration::from_secs(2), Duration::from_secs(10), Duration::from_secs(60)] }
    }

    fn write(&self, events: &[Value], _attempt: usize) -> Letter {
        let body = events.first().map(Value::to_string).unwrap_or_default();
        let headers = vec![
            ("content-type", "application/json".to_owned()),
            ("x-shopify-topic", self.topic.clone()),
            ("x-shopify-hmac-sha256", signature(&self.secret, body.as_bytes())),
            ("x-shopify-shop-domain", self.domain.clone()),
            ("x-shopify-api-version", VERSION.to_owned()),
            ("x-shopify-webhook-id", self.delivery.clone()),
            ("x-shopify-event-id", self.delivery.chars().rev().collect()),
            ("x-shopify-triggered-at", clock::iso(clock::now())),
        ];
        Letter { headers, body }
    }
}

/// Of the body alone, under the app's secret.
fn signature(secret: &Secret, body: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.0.as_bytes());
    STANDARD.encode(hmac::sign(&key, body))
}

/// `CUSTOMERS_CREATE`, as a document names the topic `customers/create`.
fn in_documents(topic: &str) -> String {
    topic.replace('/', "_").to_uppercase()
}

/// Tells every subscription that is for it.
pub(crate) fn tell(ledger: &mut Ledger<'_, Trader>, kind: &'static str, id: u64, event: &str) {
    if ![CUSTOMERS, PRODUCTS, ORDERS].contains(&kind) {
        return;
    }
    let topic = format!("{kind}/{event}");
    let store = &ledger.state.store;
    let body = match store.get(kind, id) {
        Some(object) => show::told(kind, object),
        None => json!({ "id": id }),
    };
    let wanted = in_documents(&topic);
    let told: Vec<Hook> = store
        .all(HOOKS)
        .filter(|hook| hook.text("/topic") == wanted)
        .map(|hook| {
            let (uri, secret) = (hook.text("/uri").to_owned(), Secret(CLIENT.1.to_owned()));
            Hook::new(uri, secret, (&topic, &ledger.desk.id))
        })
        .collect();
    for hook in told {
        ledger.tell(Arc::new(hook), vec![body.clone()]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delivery_is_signed_as_the_platform_signs_it() {
        // Computed with another implementation: Python's `hmac` and `base64`.
        let secret = Secret(CLIENT.1.to_owned());
        assert_eq!(signature(&secret, br#"{"id":7001}"#), "zaM9oLw9oS2+WYHgSczQSGB53Rb1farOpzhQfbHfqmQ=");
        assert_eq!(in_documents("customers/create"), "CUSTOMERS_CREATE");
    }
}
