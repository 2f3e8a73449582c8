//! Every route of the document, asked by nobody, by the wrong one, and by another tenant.

use std::collections::BTreeMap;

use domain::access::Role;
use domain::id::{IntegrationId, RecordId, RunId, SyncLogId, WebhookLogId};
use domain::kind::RecordKind;
use reqwest::Method;
use serde_json::{Value, json};

use crate::connecting::{connected, wish};
use crate::people::planted;
use crate::repair::{blocked, refused};
use crate::world::{World, document, token};

/// An operation of the document.
pub(crate) struct Operation {
    pub(crate) method: Method,
    pub(crate) path: String,
    roles: Vec<String>,
    /// Whether it replaces only what the caller has seen.
    replaces: bool,
}

impl Operation {
    fn is_for(&self, role: &str) -> bool {
        self.roles.iter().any(|allowed| allowed == role)
    }

    /// The path with ids that name nothing, but for the integration's.
    pub(crate) fn at(&self, integration: &str) -> String {
        path_of(&self.path, integration)
    }
}

pub(crate) fn path_of(template: &str, integration: &str) -> String {
    let path = template.replace("/records/{id}", &format!("/records/{}", RecordId::new()));
    let path = path.replace("{id}", integration).replace("{run}", &RunId::new().to_string());
    let path = path.replace("{kind}", "contact").replace("{path}", "contacts");
    let path = path.replace("{log}", &SyncLogId::new().to_string()).replace("{fingerprint}", "invalid:X:y");
    path.replace("{delivery}", &WebhookLogId::new().to_string())
}

/// Every operation under `/api/v1`, with the roles that its bearer needs.
pub(crate) fn operations() -> Vec<Operation> {
    let mut operations = Vec::new();
    for (path, item) in document()["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap().iter().filter(|(key, _)| *key != "servers") {
            // What a workflow calls is opened by the pass of its write; `openings` tries what that refuses.
            // What platforms call is opened by their signature, at webhook-ingest, which tries that.
            // Where browsers come back from a platform's page is opened by the consent that was begun; `consenting` tries that.
            if ["pass", "consent", "signature"]
                .iter()
                .any(|opened_by| operation["security"][0].get(opened_by).is_some())
            {
                continue;
            }
            let roles = &operation["security"][0]["bearer"];
            let roles: Vec<String> = serde_json::from_value(roles.clone()).unwrap_or_default();
            assert!(!roles.is_empty(), "{method} {path} does not say who may call it");
            let method = method.to_uppercase().parse().unwrap();
            let replaces = operation["responses"].get("428").is_some();
            operations.push(Operation { method, path: path.clone(), roles, replaces });
        }
    }
    operations
}

/// Bodies that are good, where a route takes one: without, a refusal could be the body's.
pub(crate) fn bodies() -> BTreeMap<&'static str, Value> {
    BTreeMap::from([
        ("POST /api/v1/events", json!({})),
        ("POST /api/v1/conflicts/{id}", json!({ "action": "keep" })),
        ("POST /api/v1/integrations", wish("pat-eu1-77-other")),
        ("POST /api/v1/integrations/{id}/failures/replay", json!({})),
        ("POST /api/v1/integrations/{id}/oauth/start", json!({})),
        ("POST /api/v1/integrations/{id}/sync", json!({})),
        ("PUT /api/v1/integrations/{id}", json!({})),
        ("PUT /api/v1/integrations/{id}/mappings", json!({ "kind": "contact", "fields": [] })),
        ("PUT /api/v1/integrations/{id}/mappings/{kind}", json!({ "fields": [] })),
        ("POST /api/v1/integrations/{id}/mappings/reset", json!({ "kind": "contact" })),
        ("POST /api/v1/integrations/{id}/mappings/preview", json!({ "kind": "contact", "fields": [] })),
        ("POST /api/v1/tokens", crate::tokens::wish()),
        ("PUT /api/v1/settings", crate::settings::wish()),
    ])
}

fn body_of(operation: &Operation) -> Option<Value> {
    bodies().remove(format!("{} {}", operation.method, operation.path).as_str())
}

#[test]
fn every_route_that_takes_a_body_is_tried_with_one() {
    let document = document();
    for operation in operations() {
        let described = &document["paths"][&operation.path][operation.method.as_str().to_lowercase()];
        let takes_one = described.get("requestBody").is_some();
        assert_eq!(takes_one, body_of(&operation).is_some(), "{} {}", operation.method, operation.path);
    }
}

#[tokio::test]
async fn no_route_answers_without_a_good_token_and_the_role_for_it() {
    let world = World::start().await;
    let id = connected(&world, "pat-eu1-4242-demo").await;
    let expired = token(world.tenant, Role::Admin, -120);
    for operation in operations() {
        let (method, path) = (&operation.method, operation.at(&id));
        let ask = async |token: Option<&str>| world.call(method.clone(), &path, token, body_of(&operation)).await;
        let none = ask(None).await;
        none.is_problem(401, "token_missing");
        assert_eq!(none.headers["www-authenticate"], "Bearer");
        ask(Some(&expired)).await.is_problem(401, "token_invalid");
        ask(Some("x.y.z")).await.is_problem(401, "token_invalid");
        for (name, role) in [("viewer", Role::Viewer), ("service", Role::Service), ("admin", Role::Admin)] {
            // What an admin may do is done by the tests of each route.
            if !operation.is_for(name) {
                ask(Some(&world.token(role))).await.is_problem(403, "role_missing");
            } else if role == Role::Viewer {
                assert_ne!(ask(Some(&world.token(role))).await.status.as_u16(), 403, "{method} {path}");
            }
        }
        assert!(operation.is_for("admin"), "{method} {path} is closed to admins");
        // A session is everybody's own.
        let changes = operation.method != Method::GET && operation.path != "/api/v1/session";
        assert!(!(changes && operation.is_for("viewer")), "{method} {path} lets viewers change something");
    }
    world.stop().await;
}

/// What a tenant has, one of each that a path can name; what contains another comes first.
pub(crate) async fn belongings(world: &World, integration: &str) -> Vec<(&'static str, String)> {
    planted(world, integration.parse().unwrap()).await;
    let here = format!("/api/v1/integrations/{integration}");
    for step in ["enable", "sync"] {
        let done = world.post(&format!("{here}/{step}"), json!({})).await;
        assert!(done.status.is_success(), "{done:?}");
    }
    blocked(world, integration.parse().unwrap(), refused("PHONE")).await;
    let gone = world.record(RecordKind::Contact, &[("email", "max@exemple.fr")]).await;
    let erased = world.delete(&format!("/api/v1/records/{gone}/person")).await;
    assert!(erased.status.is_success(), "{erased:?}");
    // Nobody uses it: that would be noted some time later.
    let token = world.post("/api/v1/tokens", crate::tokens::wish()).await;
    let token = token.body["id"].as_str().unwrap_or_else(|| panic!("{token:?}"));
    let admin = world.token(Role::Admin);
    let listed = async |path: String, column: &str| {
        let page = world.call(Method::GET, &path, Some(&admin), None).await;
        page.body["data"][0][column].as_str().unwrap_or_else(|| panic!("{path}: {page:?}")).to_owned()
    };
    let first = async |path: String| listed(path, "id").await;
    let fingerprint = listed(format!("{here}/failures"), "fingerprint").await;
    vec![
        ("/erasures/{id}", format!("/erasures/{}", first("/api/v1/erasures".to_owned()).await)),
        ("/tokens/{id}", format!("/tokens/{token}")),
        ("/suppressions/{id}", format!("/suppressions/{}", first("/api/v1/suppressions".to_owned()).await)),
        ("{fingerprint}", fingerprint.replace(' ', "%20")),
        ("/records/{id}", format!("/records/{}", first("/api/v1/records".to_owned()).await)),
        ("/conflicts/{id}", format!("/conflicts/{}", first("/api/v1/conflicts".to_owned()).await)),
        ("{run}", first(format!("{here}/runs")).await),
        ("{log}", first(format!("{here}/logs")).await),
        ("{delivery}", first(format!("{here}/webhook-logs")).await),
        ("{id}", integration.to_owned()),
    ]
}

#[tokio::test]
async fn nothing_of_another_tenant_is_found_and_neither_is_what_is_no_id() {
    let world = World::start().await;
    let id = connected(&world, "pat-eu1-4242-demo").await;
    let theirs = belongings(&world, &id).await;
    let stranger = token(world.other_tenant().await, Role::Admin, 600);
    let unknown = IntegrationId::new().to_string();
    // What is asked for by its id is there.
    let shown_alone = ["/records/{id}", "{run}", "{log}", "{delivery}", "{fingerprint}"];
    for (name, named) in theirs.iter().filter(|(name, _)| shown_alone.contains(name)) {
        let ends = |operation: &&Operation| operation.method == Method::GET && operation.path.ends_with(name);
        let shows = operations().iter().find(ends).map(|operation| operation.path.replace(name, named)).unwrap();
        assert_eq!(world.get(&path_of(&shows, &id)).await.status.as_u16(), 200, "{shows}");
    }
    let everything = async || testkit::dump(&world.database.url()).await;
    let before = everything().await;
    for operation in operations().iter().filter(|operation| operation.path.contains('{')) {
        let named = theirs.iter().fold(operation.path.clone(), |path, (name, id)| path.replace(name, id));
        let made_up = [&id, &unknown, "int_x", "rec_x", "null", "%00", "..%2f"].map(|id| operation.at(id));
        for path in made_up.into_iter().chain([path_of(&named, &id)]) {
            let (call, seen) = ((operation.method.clone(), path.as_str()), operation.replaces.then_some("\"1\""));
            let body = body_of(operation).map(|body| body.to_string());
            let answer = world.send_seen(call, Some(&stranger), seen, body).await;
            assert_eq!(answer.status.as_u16(), 404, "{} {path}: {answer:?}", operation.method);
            answer.is_problem(404, "not_found");
        }
    }
    let listed = world.call(Method::GET, "/api/v1/integrations/configured", Some(&stranger), None).await;
    assert_eq!(listed.body["data"], json!([]));
    assert_eq!(everything().await, before, "a stranger's calls changed something");
    world.stop().await;
}

#[tokio::test]
async fn what_is_not_routed_is_a_problem_too() {
    let world = World::start().await;
    world.get("/api/v1/nothing").await.is_problem(404, "not_found");
    world.get("/nothing").await.is_problem(404, "not_found");
    world.stop().await;
}

#[tokio::test]
async fn every_path_refuses_the_methods_that_it_does_not_know_and_says_which_it_knows() {
    let world = World::start().await;
    let (id, bearer) = (IntegrationId::new().to_string(), format!("Bearer {}", world.token(Role::Admin)));
    let document = document();
    let paths = document["paths"].as_object().unwrap().iter();
    for (path, item) in paths.filter(|(path, _)| path.starts_with("/api/v1/")) {
        let all = ["GET", "POST", "PUT", "PATCH", "DELETE"];
        let (known, unknown): (Vec<_>, Vec<_>) =
            all.iter().partition(|method| item.get(method.to_lowercase()).is_some());
        for method in unknown.into_iter().chain([&"TRACE"]) {
            // Nor does a key that cannot be used say more than that.
            let headers = [("authorization", bearer.as_str()), ("idempotency-key", "")];
            let refused = world.ask(method.parse().unwrap(), &path_of(path, &id), &headers, None).await;
            assert_eq!(refused.status.as_u16(), 405, "{method} {path}: {refused:?}");
            refused.is_problem(405, "method_not_allowed");
            assert_eq!(refused.headers["allow"], known.iter().map(|it| **it).collect::<Vec<_>>().join(", "), "{path}");
        }
    }
    world.stop().await;
}
