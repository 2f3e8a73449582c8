//! Zendesk's deliveries: what is signed under the subscription's own secret is accepted, and nothing else.

use connectors::registry::Platform;
use connectors::subscriptions::{self, Target};
use connectors::webhook::{Rejection, WebhookFormat, WebhookRequest};
use domain::time::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::bench::{Bench, ZENDESK};
use crate::fixtures;

const SIGNATURES: &str = include_str!("../fixtures/zendesk/signatures.json");
const CHANGES: &str = include_str!("../fixtures/zendesk/changes.json");

/// A delivery as another implementation signs it.
#[derive(Clone, Deserialize)]
struct Signed {
    name: String,
    secret: String,
    timestamp: String,
    body: String,
    signature: String,
}

fn signed() -> Vec<Signed> {
    serde_json::from_str(SIGNATURES).unwrap()
}

fn format() -> &'static dyn WebhookFormat {
    Platform::Zendesk.connector().webhooks()
}

fn verdict(signed: &Signed, received_at: &str) -> Result<(), Rejection> {
    let headers = [
        ("x-zendesk-webhook-signature".to_owned(), signed.signature.clone()),
        ("x-zendesk-webhook-signature-timestamp".to_owned(), signed.timestamp.clone()),
    ];
    let request = WebhookRequest {
        method: "POST",
        public_uri: "https://hooks.example.com/webhooks/integrations/zendesk/int_1",
        headers: &headers,
        body: signed.body.as_bytes(),
        received_at: Timestamp::parse(received_at).unwrap(),
    };
    format().verify(&request, &signed.secret.clone().into())
}

#[test]
fn accepts_what_another_implementation_signs_and_nothing_that_was_changed_on_the_way() {
    type Change = fn(&mut Signed);
    let changes: [Change; 3] = [
        |it| it.body.push(' '),
        |it| it.timestamp = it.timestamp.replace("00Z", "01Z").replace("00+", "01+"),
        |it| it.secret.push('x'),
    ];
    assert!(signed().len() >= 6);
    for signed in signed() {
        assert_eq!(verdict(&signed, "2026-11-27T10:00:01Z"), Ok(()), "{}", signed.name);
        for change in changes {
            let mut tampered = signed.clone();
            change(&mut tampered);
            assert_eq!(verdict(&tampered, "2026-11-27T10:00:01Z"), Err(Rejection::WrongSignature), "{}", signed.name);
        }
        // What was read and written again is another body.
        let spaced = Signed { body: signed.body.replace(':', ": "), ..signed.clone() };
        if spaced.body != signed.body {
            assert_eq!(verdict(&spaced, "2026-11-27T10:00:01Z"), Err(Rejection::WrongSignature), "{}", signed.name);
        }
    }
}

#[test]
fn refuses_what_is_old_and_what_everybody_could_have_signed() {
    let signed = signed().remove(0);
    assert_eq!(verdict(&signed, "2026-11-27T10:05:00Z"), Ok(()));
    for late in ["2026-11-27T10:05:01Z", "2026-11-27T09:54:59Z"] {
        assert_eq!(verdict(&signed, late), Err(Rejection::OutsideWindow), "{late}");
    }
    let public = Signed { secret: "dGhpc19zZWNyZXRfaXNfZm9yX3Rlc3Rpbmdfb25seQ==".to_owned(), ..signed.clone() };
    assert_eq!(verdict(&public, "2026-11-27T10:00:01Z"), Err(Rejection::NoSecret));
    let undated = Signed { timestamp: "yesterday".to_owned(), ..signed };
    assert_eq!(verdict(&undated, "2026-11-27T10:00:01Z"), Err(Rejection::Undated));
}

#[test]
fn reads_every_event_that_is_subscribed_to() {
    let mut read = Vec::new();
    for (_, body) in fixtures::deliveries(Platform::Zendesk) {
        let delivery: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(format().delivery_id(&[], body.as_bytes()).as_deref(), delivery["id"].as_str());
        for change in format().parse(&[], &body).unwrap() {
            assert_eq!(change.account_id, None);
            read.push(json!([change.kind, change.external_id, change.deleted, change.merged_into]));
        }
    }
    assert_eq!(Value::from(read), serde_json::from_str::<Value>(CHANGES).unwrap());
}

#[tokio::test]
async fn one_subscription_is_made_under_a_secret_of_zendesks_own_and_taken_away() {
    let bench = Bench::ready_at(ZENDESK).await;
    let subscriptions = bench.connector().subscriptions().unwrap();
    let url = "https://hooks.example.com/webhooks/integrations/zendesk/int_1".parse().unwrap();
    let target = Target { url, secret: None };
    let ensured = bench.is_made_to_call(&target).await;
    assert!(ensured.made == ["users"] && ensured.secret.is_some());
    let again = bench.is_made_to_call(&target).await;
    assert!(again.made.is_empty() && again.removed == 0);
    assert_eq!(subscriptions::remove(subscriptions, &bench.account, &target).await.unwrap(), 1);
    assert!(subscriptions.list(&bench.account).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_subscription_of_ours_is_seen_however_many_others_there_are() {
    let bench = Bench::ready_at(ZENDESK).await;
    let subscriptions = bench.connector().subscriptions().unwrap();
    let other = Target { url: "https://elsewhere.example.com/hook".parse().unwrap(), secret: None };
    for _ in 0..100 {
        subscriptions.subscribe(&bench.account, subscriptions.topics()[0], &other).await.unwrap();
    }
    let url = "https://hooks.example.com/webhooks/integrations/zendesk/int_1".parse().unwrap();
    let target = Target { url, secret: None };
    assert_eq!(bench.is_made_to_call(&target).await.made, ["users"]);
    assert!(bench.is_made_to_call(&target).await.made.is_empty());
    assert_eq!(subscriptions.list(&bench.account).await.unwrap().len(), 101);
}
