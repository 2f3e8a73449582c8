//! Who changed what: no route changes something without a row that says so.

use domain::access::Role;
use reqwest::Method;
use serde_json::{Value, json};

use crate::access::{bodies, operations};
use crate::connecting::{connected, wish};
use crate::world::{Answer, World, token};

/// What changes no configuration, by the end of its path, and why that is so.
const UNTOLD: [(&str, &str); 4] = [
    ("/api/v1/events", "events are data, kept with their own history"),
    ("/api/v1/session", "who comes and goes changes nothing of the tenant's"),
    ("/preview", "writes nothing"),
    ("/sync-callback", "what a workflow reports is data"),
];

/// What workflows write to a platform is data as well.
const PROXY: &str = "/api/v1/proxy/";

/// Asserts that a request that may have changed something has left a row in the audit log. Asked of every answer of
/// every test.
pub(crate) async fn is_told(world: &World, method: &Method, path: &str, answer: &Answer) {
    let path = path.split('?').next().unwrap_or(path);
    let may_change = *method != Method::GET && path.starts_with("/api/v1/") && answer.status.is_success();
    if !may_change || path.starts_with(PROXY) || UNTOLD.iter().any(|(end, _)| path.ends_with(end)) {
        return;
    }
    let request = answer.headers["x-request-id"].to_str().unwrap();
    let rows = format!("SELECT count(*) FROM audit_log WHERE request_id = '{request}'");
    assert_eq!(world.database.count(&rows).await, 1, "{method} {path} left nothing in the audit log, or too much");
}

#[tokio::test]
async fn every_route_that_changes_something_says_so() {
    let world = World::start().await;
    let id = connected(&world, "pat-eu1-4242-demo").await;
    let mut succeeded = Vec::new();
    let mut changing = operations();
    changing.retain(|operation| operation.method != Method::GET);
    // What is deleted can be changed no more, and what is disconnected not tried.
    let ends = |path: &str| path.ends_with("/disconnect");
    changing.sort_by_key(|operation| (operation.method == Method::DELETE, ends(&operation.path)));
    for operation in &changing {
        let name = format!("{} {}", operation.method, operation.path);
        let (body, token) = (bodies().remove(name.as_str()), world.token(Role::Admin));
        // Asserts by itself, as every call does.
        let answer = world.call(operation.method.clone(), &operation.at(&id), Some(&token), body).await;
        if answer.status.is_success() {
            succeeded.push(name);
        }
    }
    for known in ["/integrations", "/integrations/{id}/enable", "/integrations/{id}/test"] {
        assert!(succeeded.contains(&format!("POST /api/v1{known}")), "{known} is not among {succeeded:?}");
    }
    world.stop().await;
}

fn actions(answer: &Answer) -> Vec<&str> {
    let rows = answer.body["data"].as_array().into_iter().flatten();
    rows.map(|row| row["action"].as_str().unwrap()).collect()
}

async fn audit(world: &World, query: &str) -> Answer {
    let path = format!("/api/v1/audit{query}");
    world.call(Method::GET, &path, Some(&world.token(Role::Admin)), None).await
}

#[tokio::test]
async fn a_change_is_told_with_who_and_where_and_never_with_a_secret() {
    let world = World::start().await;
    let id = connected(&world, "pat-eu1-4242-demo").await;
    let enabled = world.post(&format!("/api/v1/integrations/{id}/enable"), json!({})).await;
    let told = audit(&world, "").await;
    assert_eq!(actions(&told), ["integration.enabled", "integration.created"], "{told:?}");
    let row = &told.body["data"][0];
    assert_eq!(row["changes"], json!([{ "field": "enabled", "before": false, "after": true }]));
    assert_eq!((&row["sub"], &row["roles"]), (&json!("a test"), &json!(["admin"])));
    assert_eq!((&row["target"], &row["address"]), (&json!(id), &json!("127.0.0.1")));
    assert_eq!(row["request_id"], enabled.headers["x-request-id"].to_str().unwrap());
    let created = &told.body["data"][1]["changes"];
    assert!(created.as_array().unwrap().contains(&json!({ "field": "credentials" })), "{created}");
    assert!(!told.body.to_string().contains("pat-eu1"), "{told:?}");
    world.stop().await;
}

#[tokio::test]
async fn changes_are_found_by_what_by_whom_and_when_and_by_page() {
    let world = World::start().await;
    let id = connected(&world, "pat-eu1-4242-demo").await;
    for word in ["enable", "disable", "enable"] {
        world.post(&format!("/api/v1/integrations/{id}/{word}"), json!({})).await;
    }
    assert_eq!(actions(&audit(&world, "?action=integration.enabled").await).len(), 2);
    assert_eq!(actions(&audit(&world, &format!("?target={id}&sub=a%20test")).await).len(), 4);
    for nothing in ["?sub=another", "?target=int_x", "?until=2026-01-01T00:00:00Z", "?action=run.confirmed"] {
        assert_eq!(audit(&world, nothing).await.body["data"], json!([]), "{nothing}");
    }
    let first = audit(&world, "?limit=3").await;
    let cursor = first.body["next_cursor"].as_str().unwrap();
    assert_eq!(actions(&audit(&world, &format!("?limit=3&cursor={cursor}")).await), ["integration.created"]);
    for bad in
        ["?cursor=x", "?since=yesterday", "?limit=0", "?colour=red", "?action=%00", "?action=integration.enabeld"]
    {
        audit(&world, bad).await.is_problem(422, "invalid");
    }
    let stranger = token(world.other_tenant().await, Role::Admin, 600);
    let theirs = world.call(Method::GET, "/api/v1/audit", Some(&stranger), None).await;
    assert_eq!(theirs.body["data"], json!([]));
    world.stop().await;
}

#[tokio::test]
async fn what_was_refused_leaves_no_row() {
    let world = World::start().await;
    let refused = world.post("/api/v1/integrations", wish("no-such-key")).await;
    assert_eq!(refused.status.as_u16(), 422, "{refused:?}");
    world.post("/api/v1/integrations", Value::Null).await.is_problem(422, "invalid");
    assert_eq!(audit(&world, "").await.body["data"], json!([]));
    world.stop().await;
}
