//! Platforms' deliveries: verified, recognised and read by every connector, whoever's they look like.

use std::hint::black_box;

use connectors::registry;
use connectors::webhook::{WebhookFormat, WebhookRequest};
use domain::time::Timestamp;
use secrecy::SecretString;

use crate::letter::Letter;

/// When deliveries come in here: shortly after those of the fixtures were signed.
const RECEIVED_AT: i64 = 1_795_370_641_000;

pub(crate) fn run(data: &[u8]) {
    let delivery = Letter::read(data);
    for platform in registry::all() {
        take(platform.connector().webhooks(), &delivery);
    }
}

fn take(format: &dyn WebhookFormat, delivery: &Letter<'_>) {
    let Letter { first: query, headers, body } = delivery;
    let public_uri = format!("https://hooks.example.com/webhooks/integrations/it?{query}");
    let request = WebhookRequest {
        method: "POST",
        public_uri: &public_uri,
        headers,
        body,
        received_at: Timestamp::from_millis(RECEIVED_AT).expect("that is a moment"),
    };
    assert!(format.verify(&request, &SecretString::from("")).is_err(), "an empty secret lets somebody in");
    black_box(format.verify(&request, &SecretString::from("s3cret")).is_ok());
    black_box(format.is_greeting(&request));
    assert_eq!(format.delivery_id(headers, body), format.delivery_id(headers, body), "a repetition looks new");
    // Nothing else is read, or passed on.
    let Ok(body) = std::str::from_utf8(body) else { return };
    let kept = format.kept_body(body);
    assert_eq!(format.kept_body(&kept), kept, "of what is kept, not all is kept");
    black_box(format.is_readable(headers, body));
    black_box((format.affair(headers, body), format.parse(headers, body).is_ok()));
}
