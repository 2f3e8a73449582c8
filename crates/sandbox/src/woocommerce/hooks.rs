//! WooCommerce's deliveries: what is told, how it is signed, and when a webhook that fails is switched off. There
//! are no second attempts.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use ring::{digest, hmac};
use serde_json::{Value, json};

use super::{Woo, resource::Resource};
use crate::{
    clock,
    desk::Ledger,
    sender::{Carrier, Letter, Secret},
    store::Object,
};

/// The failure that comes after so many in a row switches the webhook off.
const MOST_FAILURES: u32 = 6;
const DEADLINE: Duration = Duration::from_secs(60);
const AGENT: &str = "WooCommerce/11.0.1 Hookshot (WordPress/7.1)";

/// How a webhook's deliveries fared.
#[derive(Debug, Default)]
pub(crate) struct Health {
    failures: AtomicU32,
    pub(crate) is_disabled: AtomicBool,
    /// The ping was not answered well, and is sent again when the webhook is saved.
    pub(crate) owes_ping: AtomicBool,
}

impl Health {
    pub(crate) fn reset(&self) {
        self.failures.store(0, Ordering::Relaxed);
        self.is_disabled.store(false, Ordering::Relaxed);
    }
}

/// Tells a shop's webhooks what happened to an object.
pub(crate) fn tell(ledger: &mut Ledger<'_, Woo>, resource: Resource, id: u64, event: &'static str) {
    let body = match ledger.state.store.get(resource.kind(), id) {
        Some(object) if event != "deleted" => Value::Object(resource.show(object)),
        Some(_) | None => json!({ "id": id }),
    };
    let topic = format!("{}.{event}", resource.singular());
    let deliveries: Vec<Delivery> = ledger
        .state
        .store
        .all("webhooks")
        .filter(|hook| hook.text("/topic") == topic && hook.text("/status") == "active")
        .map(|hook| Delivery {
            hook: hook.id,
            url: hook.text("/delivery_url").to_owned(),
            secret: Secret(decoded(hook.text("/secret"))),
            source: source(&ledger.desk.id),
            topic: topic.clone(),
            health: health(ledger, hook),
        })
        .filter(|delivery| !delivery.health.is_disabled.load(Ordering::Relaxed))
        .collect();
    for delivery in deliveries {
        ledger.tell(Arc::new(delivery), vec![body.clone()]);
    }
}

fn health(ledger: &Ledger<'_, Woo>, hook: &Object) -> Arc<Health> {
    ledger.state.own.hooks.get(&hook.id).cloned().unwrap_or_default()
}

/// Says to a new webhook's address that it is one.
pub(crate) fn ping(ledger: &mut Ledger<'_, Woo>, id: u64, url: &str) {
    let health = Arc::clone(ledger.state.own.hooks.entry(id).or_default());
    health.owes_ping.store(false, Ordering::Relaxed);
    ledger.tell(Arc::new(Ping { hook: id, url: url.to_owned(), health }), vec![Value::Null]);
}

/// A ping: a form, unsigned, without any of the headers.
#[derive(Debug)]
struct Ping {
    hook: u64,
    url: String,
    health: Arc<Health>,
}

impl Carrier for Ping {
    fn url(&self) -> &str {
        &self.url
    }

    fn most_events(&self) -> usize {
        1
    }

    fn deadline(&self) -> Duration {
        DEADLINE
    }

    fn pauses(&self) -> &'static [Duration] {
        &[]
    }

    fn write(&self, _events: &[Value], _attempt: usize) -> Letter {
        let form = "application/x-www-form-urlencoded".to_owned();
        let headers = vec![("content-type", form), ("user-agent", AGENT.to_owned())];
        Letter { headers, body: format!("webhook_id={}", self.hook) }
    }

    fn hear(&self, delivered: bool) {
        self.health.owes_ping.store(!delivered, Ordering::Relaxed);
    }
}

/// One event on its way to one webhook.
#[derive(Debug)]
struct Delivery {
    hook: u64,
    url: String,
    secret: Secret,
    source: String,
    topic: String,
    health: Arc<Health>,
}

impl Carrier for Delivery {
    fn url(&self) -> &str {
        &self.url
    }

    fn most_events(&self) -> usize {
        1
    }

    fn deadline(&self) -> Duration {
        DEADLINE
    }

    fn pauses(&self) -> &'static [Duration] {
        &[]
    }

    fn write(&self, events: &[Value], _attempt: usize) -> Letter {
        let body = events.first().map(ToString::to_string).unwrap_or_default();
        let (resource, event) = self.topic.split_once('.').unwrap_or_default();
        let headers = vec![
            ("content-type", "application/json".to_owned()),
            ("user-agent", AGENT.to_owned()),
            ("x-wc-webhook-source", self.source.clone()),
            ("x-wc-webhook-topic", self.topic.clone()),
            ("x-wc-webhook-resource", resource.to_owned()),
            ("x-wc-webhook-event", event.to_owned()),
            ("x-wc-webhook-signature", signature(&self.secret.0, body.as_bytes())),
            ("x-wc-webhook-id", self.hook.to_string()),
            ("x-wc-webhook-delivery-id", delivery_id(self.hook, clock::now() / 1_000)),
        ];
        Letter { headers, body }
    }

    fn is_content(&self, status: u16) -> bool {
        (200..303).contains(&status)
    }

    fn hear(&self, delivered: bool) {
        if delivered {
            self.health.failures.store(0, Ordering::Relaxed);
        } else if self.health.failures.fetch_add(1, Ordering::Relaxed) >= MOST_FAILURES {
            self.health.is_disabled.store(true, Ordering::Relaxed);
        }
    }
}

fn signature(secret: &str, body: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    STANDARD.encode(hmac::sign(&key, body))
}

/// Of the webhook and the second: what is told within one second has one id.
fn delivery_id(hook: u64, second: i64) -> String {
    let hash = digest::digest(&digest::SHA256, format!("{hook}{second}").as_bytes());
    hash.as_ref().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// The site's address, with a slash behind it.
fn source(shop: &str) -> String {
    format!("https://{shop}.exemple.fr/")
}

/// A secret signs as WordPress reads it back: with its entities decoded.
fn decoded(secret: &str) -> String {
    let entities = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#039;", "'"), ("&amp;", "&")];
    entities.iter().fold(secret.to_owned(), |text, (entity, plain)| text.replace(entity, plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delivery_is_signed_as_the_platform_signs_it() {
        // Computed with another implementation: Python's `hmac` and `base64`.
        assert_eq!(signature("s3cr&t-key", br#"{"id":21}"#), "6t2bvFucy6bkFfg6ZpJINEcfystLxbc36tyTBCcKgAM=");
        assert_eq!(decoded("a&amp;b"), "a&b");
        assert_eq!(decoded("a&b"), "a&b");
        assert_eq!(delivery_id(1, 1_795_370_640), delivery_id(1, 1_795_370_640));
        assert_ne!(delivery_id(1, 1_795_370_640), delivery_id(2, 1_795_370_640));
    }
}
