//! The switches: each does what it says, and nothing more.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::world::World;

const CONTACTS: &str = "/crm/objects/2026-03/contacts";

#[tokio::test]
async fn the_limit_counts_down_in_the_headers_and_then_refuses() {
    let world = World::new();
    world.faults(json!({"rate_limit_per_10s": 2})).await;
    for remaining in ["1", "0"] {
        let response = world.request(Method::GET, CONTACTS).send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["X-HubSpot-RateLimit-Remaining"], remaining);
        assert_eq!(response.headers()["X-HubSpot-RateLimit-Max"], "2");
        assert_eq!(response.headers()["X-HubSpot-RateLimit-Interval-Milliseconds"], "10000");
    }
    let (status, body) = world.get(CONTACTS).await;
    assert_eq!(status, 429);
    assert_eq!((&body["errorType"], &body["policyName"]), (&json!("RATE_LIMIT"), &json!("TEN_SECONDLY_ROLLING")));
    let mut other = world;
    other.token = "pat-eu1-9-x".into();
    assert_eq!(other.get(CONTACTS).await.0, 200, "each account has its own");
}

#[tokio::test]
async fn failures_are_counted_down_and_apply_nothing() {
    let world = World::new();
    world.faults(json!({"fail_next": {"count": 2, "status": 503}})).await;
    let new = json!({"properties": {"email": "a@x.fr"}});
    assert_eq!(world.post(CONTACTS, new.clone()).await.0, 503);
    assert_eq!(world.post(CONTACTS, new.clone()).await.0, 503);
    assert!(world.journal().await.is_empty());
    assert_eq!(world.post(CONTACTS, new).await.0, 201);
    world.faults(json!({"fail_all_status": 500})).await;
    assert_eq!(world.get(CONTACTS).await.0, 500);
    world.faults(json!({"fail_all_status": null, "token_revoked": true})).await;
    assert_eq!(world.get(CONTACTS).await.0, 401);
}

#[tokio::test]
async fn a_lost_answer_leaves_the_write_applied() {
    let world = World::new();
    world.faults(json!({"lost_answer_next": 1})).await;
    assert_eq!(world.get(CONTACTS).await.0, 200, "a read loses nothing");
    assert_eq!(world.post(CONTACTS, json!({"properties": {"email": "a@x.fr"}})).await.0, 502);
    world.faults(json!({"lost_answer_next": 1, "lost_answer_as": "dropped"})).await;
    let sent = world.request(Method::POST, CONTACTS).json(&json!({"properties": {"email": "b@x.fr"}})).send().await;
    let read = match sent {
        Ok(response) => response.bytes().await.map(|_| ()),
        Err(error) => Err(error),
    };
    assert!(read.is_err(), "the connection breaks");
    assert_eq!(world.people().await["in_crm"], 2);
}

#[tokio::test]
async fn a_hanging_platform_never_answers_and_latency_only_delays() {
    let world = World::new();
    world.faults(json!({"hang": true})).await;
    let error = world.request(Method::GET, CONTACTS).timeout(Duration::from_millis(200)).send().await.unwrap_err();
    assert!(error.is_timeout());
    world.faults(json!({"hang": false, "latency_ms": 120})).await;
    let before = std::time::Instant::now();
    assert_eq!(world.get(CONTACTS).await.0, 200);
    assert!(before.elapsed() >= Duration::from_millis(120));
}

#[tokio::test]
async fn values_are_distorted_as_set_and_the_journal_keeps_both_forms() {
    let world = World::new();
    world.faults(json!({"reformat_phones": true, "truncate": {"jobtitle": 3}})).await;
    let id = world.contact(json!({"phone": "0612345678", "jobtitle": "Gérante"})).await;
    let (_, shown) = world.get(&format!("{CONTACTS}/{id}?properties=phone,jobtitle")).await;
    assert_eq!(
        (&shown["properties"]["phone"], &shown["properties"]["jobtitle"]),
        (&json!("+33 6 12 34 56 78"), &json!("Gér"))
    );
    let entry = &world.journal().await[0];
    assert_eq!((&entry["properties"]["jobtitle"], &entry["stored"]["jobtitle"]), (&json!("Gérante"), &json!("Gér")));
}

#[tokio::test]
async fn an_unknown_switch_is_named_and_changes_nothing() {
    let world = World::new();
    let (_, before) = world.control(Method::GET, "/hubspot/4242/faults", Value::Null).await;
    let (status, body) =
        world.control(Method::PUT, "/hubspot/4242/faults", json!({"latency_ms": 5, "latnecy": 1})).await;
    assert_eq!(status, 422);
    assert!(body["message"].as_str().unwrap().contains("latnecy"));
    assert_eq!(world.control(Method::GET, "/hubspot/4242/faults", Value::Null).await.1, before);
}
