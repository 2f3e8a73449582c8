//! Connecting a platform's account: tried before it is saved, once a tenant, its secrets never shown again.

use reqwest::Method;
use serde_json::{Value, json};

use crate::world::{Lines, World};

pub(crate) fn wish(key: &str) -> Value {
    json!({ "name": "HubSpot", "platform": "hubspot", "credentials": { "api_key": key } })
}

/// Connects an account and returns the integration's id.
pub(crate) async fn connected(world: &World, key: &str) -> String {
    let answer = world.post("/api/v1/integrations", wish(key)).await;
    assert_eq!(answer.status.as_u16(), 201, "{answer:?}");
    answer.body["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_catalogue_says_what_each_platform_asks_for() {
    let world = World::start().await;
    let answer = world.get("/api/v1/integrations").await;
    let hubspot = answer.body["data"].as_array().unwrap().iter().find(|entry| entry["platform"] == "hubspot").unwrap();
    assert_eq!(hubspot["name"], "HubSpot");
    assert_eq!(hubspot["category"], "crm");
    assert_eq!(hubspot["kinds"], json!(["contact", "deal", "activity"]));
    for (filter, some) in [("category=crm", true), ("category=marketing", false), ("auth=oauth2", true)] {
        let listed = world.get(&format!("/api/v1/integrations?{filter}")).await;
        assert_eq!(listed.body["data"].as_array().map(|found| !found.is_empty()), Some(some), "{filter}: {listed:?}");
    }
    for (filter, path) in [("category=xyz", "category"), ("auth=xyz", "auth"), ("kind=xyz", "kind"), ("nom=x", "nom")] {
        let refused = world.get(&format!("/api/v1/integrations?{filter}")).await;
        refused.is_problem(422, "invalid");
        assert_eq!(refused.paths(), [path], "{refused:?}");
    }
    world.stop().await;
}

#[tokio::test]
async fn an_account_is_connected_switched_on_and_off_and_tried() {
    let world = World::start().await;
    let answer = world.post("/api/v1/integrations", wish("pat-eu1-4242-secretdemo")).await;
    assert_eq!(answer.status.as_u16(), 201, "{answer:?}");
    let id = answer.body["id"].as_str().unwrap().to_owned();
    assert_eq!(answer.headers["location"], format!("/api/v1/integrations/{id}"));
    assert_eq!(answer.body["account_id"], "4242");
    assert_eq!(answer.body["status"], "inactive");
    assert_eq!(answer.body["credentials"], json!({ "hint": "••••demo" }));
    let path = format!("/api/v1/integrations/{id}");
    assert_eq!(world.get(&path).await.body, answer.body);
    let enabled = world
        .call(Method::POST, &format!("{path}/enable"), Some(&world.token(domain::access::Role::Admin)), None)
        .await;
    assert_eq!(
        (enabled.status.as_u16(), &enabled.body["status"], &enabled.body["enabled"]),
        (200, &json!("active"), &json!(true))
    );
    assert_eq!(enabled.body["drift"], 0);
    let tried = world.post(&format!("{path}/test"), json!({})).await;
    assert_eq!((&tried.body["ok"], &tried.body["account"]["id"]), (&json!(true), &json!("4242")), "{tried:?}");
    let disabled = world.post(&format!("{path}/disable"), json!({})).await;
    assert_eq!(disabled.body["status"], "inactive");
    let listed = world.get("/api/v1/integrations/configured").await;
    assert_eq!(listed.body["data"].as_array().unwrap().len(), 1, "{listed:?}");
    world.stop().await;
}

#[tokio::test]
async fn a_secret_is_in_no_answer_and_lies_sealed_in_the_database() {
    let world = World::start().await;
    let key = "pat-eu1-4242-verysecret";
    let id = connected(&world, key).await;
    for path in ["", "/logs", "/failures"] {
        let answer = world.get(&format!("/api/v1/integrations/{id}{path}")).await;
        assert!(!format!("{answer:?}").contains("verysecret"), "{answer:?}");
    }
    let mut tx = world.worker().begin(persistence::Scope::System).await.unwrap();
    let sealed =
        persistence::integrations::sealed_credentials(&mut tx, world.tenant, id.parse().unwrap()).await.unwrap();
    tx.commit().await.unwrap();
    let sealed = format!("{:?}", sealed.unwrap());
    assert!(!sealed.contains("secret"), "{sealed}");
    let refused =
        world.post("/api/v1/integrations", json!({ "name": "x", "platform": "hubspot", "credentials": key })).await;
    refused.is_problem(422, "invalid");
    assert_eq!(refused.paths(), ["credentials"]);
    assert!(!format!("{refused:?}").contains("verysecret"), "{refused:?}");
    world.stop().await;
}

#[tokio::test]
async fn credentials_that_each_platform_refuses_are_told_and_nothing_is_saved() {
    let settings = vec![("PLATFORMS__WOOCOMMERCE__ALLOW_PRIVATE_ADDRESSES", "true".to_owned())];
    let world = World::behind(|_, _| async { Lines { settings, ..Lines::default() } }).await;
    world.wait_for_broker().await;
    let shop = world.sandbox.platform_url("woocommerce/demo");
    let pair = |key: &str, secret: &str| json!({"api_key": format!("ck_{}", key.repeat(40)), "api_secret": format!("cs_{}", secret.repeat(40))});
    for (platform, url, credentials, why) in [
        ("hubspot", None, json!({"api_key": "not-a-token"}), "is not accepted by HubSpot"),
        ("pipedrive", None, json!({"api_key": "not-a-token"}), "is not accepted by Pipedrive"),
        ("woocommerce", Some(&shop), pair("1", "2"), "is not accepted by WooCommerce"),
        // It may only read.
        ("woocommerce", Some(&shop), pair("2", "2"), "may do too little at WooCommerce"),
    ] {
        let wish = json!({"name": platform, "platform": platform, "url": url, "credentials": credentials});
        let answer = world.post("/api/v1/integrations", wish).await;
        answer.is_problem(422, "invalid");
        assert_eq!(answer.paths(), ["credentials.api_key"], "{platform}: {answer:?}");
        let message = answer.body["errors"][0]["message"].as_str().unwrap();
        assert!(message.contains(why), "{platform}: {message}");
    }
    assert_eq!(world.get("/api/v1/integrations/configured").await.body["data"], json!([]));
    world.stop().await;
}

#[tokio::test]
async fn a_platform_that_is_away_is_no_fault_of_the_form() {
    let world = World::start().await;
    world.switch_faults(json!({ "fail_all_status": 503 })).await;
    let answer = world.post("/api/v1/integrations", wish("pat-eu1-4242-demo")).await;
    answer.is_problem(503, "platform_unavailable");
    assert_eq!(world.get("/api/v1/integrations/configured").await.body["data"], json!([]));
    world.stop().await;
}

#[tokio::test]
async fn the_same_account_is_connected_once_a_tenant() {
    let world = World::start().await;
    let id = connected(&world, "pat-eu1-4242-demo").await;
    let again = world.post("/api/v1/integrations", wish("pat-eu1-4242-another")).await;
    again.is_problem(409, "account_taken");
    let detail = again.body["detail"].as_str().unwrap();
    assert!(detail.contains(&id) && detail.contains("HubSpot"), "{detail}");
    assert_eq!(again.body["conflicts_with"], format!("/api/v1/integrations/{id}"));
    connected(&world, "pat-eu1-4343-demo").await;
    let connect = || world.post("/api/v1/integrations", wish("pat-eu1-4444-demo"));
    let (a, b, c) = tokio::join!(connect(), connect(), connect());
    let mut statuses = [a, b, c].map(|answer| answer.status.as_u16());
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409, 409]);
    world.stop().await;
}

#[tokio::test]
async fn a_bad_form_is_told_field_by_field() {
    let world = World::start().await;
    let cases = [
        (
            json!({ "name": " ", "platform": "nope", "credentials": { "api_key": "with space" } }),
            vec!["name", "credentials.api_key", "platform"],
        ),
        (json!({ "name": "x", "platform": "hubspot", "credentials": {} }), vec!["credentials.api_key"]),
        (
            json!({ "name": "x", "platform": "hubspot", "credentials": { "api_key": "k", "pin": 1 } }),
            vec!["credentials.pin"],
        ),
        (json!({ "name": "x", "platform": "Hub Spot", "credentials": { "api_key": "k" } }), vec!["platform"]),
        (
            json!({ "name": "x", "platform": "hubspot", "credentials": { "api_key": "k" }, "direction": "sideways" }),
            vec!["direction"],
        ),
        (
            json!({ "name": "x", "platform": "hubspot", "credentials": { "api_key": "k" }, "url": "https://x.fr" }),
            vec!["url"],
        ),
    ];
    for (wish, paths) in cases {
        let answer = world.post("/api/v1/integrations", wish).await;
        answer.is_problem(422, "invalid");
        assert_eq!(answer.paths(), paths, "{answer:?}");
    }
    world.stop().await;
}
