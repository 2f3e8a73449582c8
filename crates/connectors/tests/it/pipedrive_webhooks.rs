//! Pipedrive's deliveries: who brings our name and password is let in, and subscriptions are made with them.

use connectors::registry::Platform;
use connectors::subscriptions::{self, Target};
use connectors::webhook::{Rejection, WebhookFormat, WebhookRequest};
use domain::time::Timestamp;
use proptest::prelude::*;
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::bench::{Bench, PIPEDRIVE};
use crate::fixtures;

const SIGNATURES: &str = include_str!("../fixtures/pipedrive/signatures.json");
const CHANGES: &str = include_str!("../fixtures/pipedrive/changes.json");

/// A name and password as another client writes them.
#[derive(Deserialize)]
struct Given {
    name: String,
    password: String,
    authorization: String,
}

fn given() -> Vec<Given> {
    serde_json::from_str(SIGNATURES).unwrap()
}

fn format() -> &'static dyn WebhookFormat {
    Platform::Pipedrive.connector().webhooks()
}

fn verdict(authorization: &str, password: &str) -> Result<(), Rejection> {
    let headers = [("authorization".to_owned(), authorization.to_owned())];
    let request = WebhookRequest {
        method: "POST",
        public_uri: "https://hooks.example.com/webhooks/integrations/pipedrive/int_1",
        headers: &headers,
        body: b"{}",
        received_at: Timestamp::now(),
    };
    format().verify(&request, &password.to_owned().into())
}

#[test]
fn accepts_the_password_that_another_client_writes_and_no_other() {
    assert!(given().len() >= 6);
    for given in given() {
        assert_eq!(verdict(&given.authorization, &given.password), Ok(()), "{}", given.name);
        let other = format!("{}x", given.password);
        assert_eq!(verdict(&given.authorization, &other), Err(Rejection::WrongSignature), "{}", given.name);
        assert_eq!(verdict(&given.authorization, ""), Err(Rejection::NoSecret));
    }
}

#[test]
fn reads_every_documented_action_and_leaves_out_what_is_not_kept() {
    let deliveries = fixtures::deliveries(Platform::Pipedrive);
    let mut read = Vec::new();
    let mut ids = std::collections::BTreeSet::new();
    for (_, body) in &deliveries {
        for change in format().parse(&[], body).unwrap() {
            assert_eq!(change.account_id.as_deref(), Some("900"));
            assert_eq!(change.occurred_at, Timestamp::parse("2026-11-27T10:00:00Z"));
            read.push(json!([change.kind, change.external_id, change.deleted, change.merged_into]));
        }
        ids.insert(format().delivery_id(&[], body.as_bytes()).unwrap());
    }
    assert_eq!(Value::from(read), serde_json::from_str::<Value>(CHANGES).unwrap());
    assert_eq!(ids.len(), deliveries.len());
}

#[test]
fn an_event_without_an_id_is_told_by_what_it_says_whatever_its_attempt() {
    let event = |attempt: u32| json!({"meta": {"webhook_id": 7, "correlation_id": "c", "entity_id": "31", "timestamp": "t", "attempt": attempt}});
    let id = |event: Value| format().delivery_id(&[], event.to_string().as_bytes());
    assert_eq!(id(event(1)), id(event(2)));
    assert_eq!(id(json!({"meta": {}})), None);
}

#[tokio::test]
async fn subscriptions_are_made_once_mended_and_taken_away() {
    let bench = Bench::ready_at(PIPEDRIVE).await;
    let subscriptions = bench.connector().subscriptions().unwrap();
    let url = "https://hooks.example.com/webhooks/integrations/pipedrive/int_1".parse().unwrap();
    let target = Target { url, secret: Some("s3cret".to_owned().into()) };
    let ensured = bench.is_made_to_call(&target).await;
    assert_eq!(ensured.made, ["person", "deal", "activity"]);
    let again = bench.is_made_to_call(&target).await;
    assert!(again.made.is_empty() && again.removed == 0);
    let listed = subscriptions.list(&bench.account).await.unwrap();
    subscriptions.unsubscribe(&bench.account, &listed[0].id).await.unwrap();
    subscriptions.unsubscribe(&bench.account, &listed[0].id).await.unwrap();
    assert_eq!(bench.is_made_to_call(&target).await.made, ["person"]);
    assert_eq!(subscriptions::remove(subscriptions, &bench.account, &target).await.unwrap(), 3);
    assert!(subscriptions.list(&bench.account).await.unwrap().is_empty());
    bench.by_hand(Method::POST, "persons", json!({"name": "Zoé"})).await;
}

proptest! {
    #[test]
    fn any_body_is_read_or_refused_and_what_is_read_names_an_object(
        text in ".{0,80}", entity in "(person|deal|activity|note)", id in "(-?[0-9]{0,20}|.{0,6})", action in "(create|change|delete)",
    ) {
        drop(format().parse(&[], &text));
        let body = json!({"meta": {"entity": entity, "entity_id": id, "action": action, "merged_to_id": id}}).to_string();
        for change in format().parse(&[], &body).unwrap() {
            prop_assert!(!change.external_id.is_empty() && change.external_id.bytes().all(|byte| byte.is_ascii_digit()));
        }
    }
}
