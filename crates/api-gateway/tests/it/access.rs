//! Every route, asked by nobody, by the wrong one, and by another tenant.

use domain::access::Role;
use domain::id::{IntegrationId, RecordId};
use reqwest::Method;
use serde_json::{Value, json};

use crate::connecting::{connected, wish};
use crate::world::{World, token};

/// A route: method, path (`{id}` an integration's, `{record}` a record's), whether a viewer may, and a good body.
type Route = (Method, &'static str, bool, Option<Value>);

fn routes() -> Vec<Route> {
    vec![
        (Method::POST, "/api/v1/events", false, Some(json!({}))),
        (Method::GET, "/api/v1/integrations", true, None),
        (Method::POST, "/api/v1/integrations", false, Some(wish("pat-eu1-77-other"))),
        (Method::GET, "/api/v1/integrations/configured", true, None),
        (Method::GET, "/api/v1/integrations/{id}", true, None),
        (Method::POST, "/api/v1/integrations/{id}/enable", false, None),
        (Method::POST, "/api/v1/integrations/{id}/disable", false, None),
        (Method::POST, "/api/v1/integrations/{id}/test", false, None),
        (Method::GET, "/api/v1/integrations/{id}/logs", true, None),
        (Method::GET, "/api/v1/integrations/{id}/failures", true, None),
        (Method::POST, "/api/v1/integrations/{id}/failures/replay", false, Some(json!({}))),
        (Method::GET, "/api/v1/records", true, None),
        (Method::GET, "/api/v1/records/{record}", true, None),
    ]
}

#[tokio::test]
async fn no_route_answers_without_a_good_token_and_the_role_for_it() {
    let world = World::start().await;
    let id = connected(&world, "pat-eu1-4242-demo").await;
    let expired = token(world.tenant, Role::Admin, -120);
    for (method, path, a_viewer_may, body) in routes() {
        let path = path.replace("{id}", &id).replace("{record}", &RecordId::new().to_string());
        let none = world.call(method.clone(), &path, None, body.clone()).await;
        none.is_problem(401, "token_missing");
        assert_eq!(none.headers["www-authenticate"], "Bearer");
        world.call(method.clone(), &path, Some(&expired), body.clone()).await.is_problem(401, "token_invalid");
        world.call(method.clone(), &path, Some("x.y.z"), body.clone()).await.is_problem(401, "token_invalid");
        let viewer = world.call(method.clone(), &path, Some(&world.token(Role::Viewer)), body.clone()).await;
        if a_viewer_may {
            assert_ne!(viewer.status.as_u16(), 403, "{method} {path}");
        } else {
            viewer.is_problem(403, "role_missing");
        }
        if path != "/api/v1/events" {
            let service = world.call(method.clone(), &path, Some(&world.token(Role::Service)), body).await;
            service.is_problem(403, "role_missing");
        }
    }
    world.stop().await;
}

#[tokio::test]
async fn nothing_of_another_tenant_is_found_and_neither_is_what_is_no_id() {
    let world = World::start().await;
    let id = connected(&world, "pat-eu1-4242-demo").await;
    let stranger = token(world.other_tenant().await, Role::Admin, 600);
    let unknown = IntegrationId::new().to_string();
    for (method, path, _, body) in routes() {
        if !path.contains('{') {
            continue;
        }
        for id in [&id, &unknown, "int_x", "rec_x", "null", "%00", "..%2f"] {
            let path = path.replace("{id}", id).replace("{record}", id);
            let answer = world.call(method.clone(), &path, Some(&stranger), body.clone()).await;
            assert_eq!(answer.status.as_u16(), 404, "{method} {path}: {answer:?}");
            answer.is_problem(404, "not_found");
        }
    }
    let listed = world.call(Method::GET, "/api/v1/integrations/configured", Some(&stranger), None).await;
    assert_eq!(listed.body["data"], json!([]));
    let mine = world.get(&format!("/api/v1/integrations/{id}")).await;
    assert_eq!(mine.body["status"], "inactive", "a stranger's calls changed nothing");
    world.stop().await;
}

#[tokio::test]
async fn what_is_not_routed_is_a_problem_too() {
    let world = World::start().await;
    world.get("/api/v1/nothing").await.is_problem(404, "not_found");
    world.get("/nothing").await.is_problem(404, "not_found");
    world.get("/api/v1/events").await.is_problem(405, "method_not_allowed");
    world.stop().await;
}
