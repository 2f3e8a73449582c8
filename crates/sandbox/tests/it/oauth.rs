//! OAuth from the consent page to the revoked grant.

use reqwest::{StatusCode, header};
use serde_json::{Value, json};

use crate::world::World;

async fn form(world: &World, path: &str, fields: &[(&str, &str)]) -> (StatusCode, Value) {
    let client = [("client_id", "sandbox-client"), ("client_secret", "sandbox-secret")];
    let fields: Vec<_> = client.iter().chain(fields).collect();
    let response = world
        .client
        .post(format!("{}/oauth/2026-03{path}", world.running.hubspot_url()))
        .form(&fields)
        .send()
        .await
        .unwrap();
    (response.status(), response.json().await.unwrap_or_default())
}

async fn consent(world: &World, decision: &str) -> url::Url {
    let fields = [
        ("redirect_uri", "https://app.exemple.fr/retour"),
        ("state", "s&1"),
        ("code_challenge", ""),
        ("account", "7"),
        ("decision", decision),
    ];
    let response = world
        .client
        .post(format!("{}/oauth/authorize", world.running.hubspot_url()))
        .form(&fields)
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 303);
    url::Url::parse(response.headers()[header::LOCATION].to_str().unwrap()).unwrap()
}

fn query(url: &url::Url, name: &str) -> String {
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned()).unwrap_or_default()
}

#[tokio::test]
async fn a_consent_becomes_tokens_once() {
    let mut world = World::new();
    let page = format!(
        "{}/oauth/authorize?client_id=sandbox-client&redirect_uri=https%3A%2F%2Fapp.exemple.fr%2Fretour&scope=oauth&state=%22%3E%3Cb%3E",
        world.running.hubspot_url()
    );
    let page = world.client.get(page).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("Autoriser") && !page.contains("\"><b>"));
    let back = consent(&world, "grant").await;
    assert_eq!(query(&back, "state"), "s&1");
    let code = query(&back, "code");
    let exchange = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", "https://app.exemple.fr/retour"),
    ];
    let (status, tokens) = form(&world, "/token", &exchange).await;
    assert_eq!((status.as_u16(), &tokens["hub_id"], &tokens["expires_in"]), (200, &json!(7), &json!(1800)));
    assert_eq!(form(&world, "/token", &exchange).await.1["error"], "invalid_grant");
    world.token = tokens["access_token"].as_str().unwrap().to_owned();
    assert_eq!(world.get("/account-info/2026-03/details").await.1["portalId"], 7);
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", tokens["refresh_token"].as_str().unwrap())];
    assert_eq!(form(&world, "/token", &refresh).await.0, 200);
    let token = [("token", tokens["refresh_token"].as_str().unwrap())];
    assert_eq!(form(&world, "/token/introspect", &token).await.1["active"], true);
    assert_eq!(form(&world, "/token/revoke", &token).await.0, 200);
    assert_eq!(form(&world, "/token/introspect", &token).await.1, json!({"active": false}));
    let (status, body) = form(&world, "/token", &refresh).await;
    assert_eq!(
        (status.as_u16(), &body["status"], &body["error"]),
        (400, &json!("BAD_REFRESH_TOKEN"), &json!("invalid_grant"))
    );
    assert_eq!(world.get("/account-info/2026-03/details").await.0, 401);
}

#[tokio::test]
async fn a_refusal_goes_back_as_an_error() {
    let world = World::new();
    let back = consent(&world, "refuse").await;
    assert_eq!((query(&back, "error").as_str(), query(&back, "code").as_str()), ("access_denied", ""));
}

#[tokio::test]
async fn an_expired_access_token_says_so() {
    let mut world = World::new();
    world.control(reqwest::Method::PUT, "/hubspot/7/faults", json!({"access_token_seconds": 0})).await;
    let code = query(&consent(&world, "grant").await, "code");
    let exchange = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", "https://app.exemple.fr/retour"),
    ];
    world.token = form(&world, "/token", &exchange).await.1["access_token"].as_str().unwrap().to_owned();
    let (status, body) = world.get("/account-info/2026-03/details").await;
    assert_eq!((status.as_u16(), &body["category"]), (401, &json!("EXPIRED_AUTHENTICATION")));
}
