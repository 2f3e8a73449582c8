//! Requests that come twice: at once, later, changed, after a failure, after a crash.

use std::time::Duration;

use domain::access::Role;
use domain::id::IntegrationId;
use futures_util::future::join_all;
use persistence::Scope;
use persistence::idempotency::{self, Request, Standing};
use reqwest::Method;
use serde_json::{Value, json};

use crate::connecting::{connected, wish};
use crate::world::{Answer, World, token};

const PATH: &str = "/api/v1/integrations";

async fn post(world: &World, path: &str, key: &str, body: Option<Value>) -> Answer {
    let bearer = format!("Bearer {}", world.token(Role::Admin));
    world.ask(Method::POST, path, &[("authorization", &bearer), ("idempotency-key", key)], body).await
}

fn is_replay(answer: &Answer) -> bool {
    answer.headers.get("idempotent-replayed").is_some_and(|value| value == "true")
}

#[tokio::test]
async fn twenty_equal_requests_at_once_connect_one_account_and_get_one_answer() {
    let world = World::start().await;
    let ask = || post(&world, PATH, "key-1", Some(wish("pat-eu1-4242-demo")));
    let answers = join_all((0..20).map(|_| ask())).await;
    let first = &answers[0];
    assert_eq!(first.status.as_u16(), 201, "{first:?}");
    for answer in &answers {
        assert_eq!((answer.status, &answer.body), (first.status, &first.body));
        for header in ["location", "content-type"] {
            assert_eq!(answer.headers[header], first.headers[header], "{header}");
        }
    }
    assert_eq!(
        answers.iter().filter(|answer| !is_replay(answer)).count(),
        1,
        "one was worked off, the others repeated it"
    );
    let listed = world.get("/api/v1/integrations/configured").await;
    assert_eq!(listed.body["data"].as_array().unwrap().len(), 1);
    world.stop().await;
}

#[tokio::test]
async fn without_a_key_nothing_is_repeated_and_a_refusal_is_an_answer_too() {
    let world = World::start().await;
    connected(&world, "pat-eu1-4242-demo").await;
    let taken = world.post(PATH, wish("pat-eu1-4242-demo")).await;
    taken.is_problem(409, "account_taken");
    let bad = json!({ "name": " ", "platform": "nope", "credentials": {} });
    let (one, again) = (post(&world, PATH, "k", Some(bad.clone())).await, post(&world, PATH, "k", Some(bad)).await);
    one.is_problem(422, "invalid");
    assert_eq!(one.body, again.body);
    assert!(!is_replay(&one) && is_replay(&again));
    world.stop().await;
}

#[tokio::test]
async fn a_key_belongs_to_one_request_of_a_tenant_and_a_route() {
    let world = World::start().await;
    let id = connected(&world, "pat-eu1-4242-demo").await;
    let path = format!("{PATH}/{id}/enable");
    let first = post(&world, &path, "k", None).await;
    assert_eq!(first.status.as_u16(), 200);
    let other = IntegrationId::new();
    for (path, body) in
        [(path.clone(), Some(json!({}))), (format!("{path}?x=1"), None), (format!("{PATH}/{other}/enable"), None)]
    {
        post(&world, &path, "k", body).await.is_problem(422, "idempotency_key_reused");
    }
    // On another route it is another key.
    for (path, body, status) in
        [(format!("{PATH}/{id}/disable"), None, 200), (PATH.to_owned(), Some(wish("pat-eu1-4343-demo")), 201)]
    {
        let answer = post(&world, &path, "k", body).await;
        assert_eq!((answer.status.as_u16(), is_replay(&answer)), (status, false), "{answer:?}");
    }
    // Whoever may not ask is refused, whatever key they have guessed; another tenant's key is another one, and another admin
    // of the same tenant is told what the first was.
    for (tenant, role, status, replayed) in [
        (world.tenant, Role::Viewer, 403, false),
        (world.tenant, Role::Service, 403, false),
        (world.other_tenant().await, Role::Admin, 404, false),
        (world.tenant, Role::Admin, 200, true),
    ] {
        let bearer = format!("Bearer {}", crate::world::token_of("somebody else", tenant, role, 600));
        let answer =
            world.ask(Method::POST, &path, &[("authorization", &bearer), ("idempotency-key", "k")], None).await;
        assert_eq!((answer.status.as_u16(), is_replay(&answer)), (status, replayed), "{answer:?}");
        assert_eq!(answer.body == first.body, replayed);
    }
    let shown = world.get(&format!("{PATH}/{id}")).await;
    assert_eq!(shown.body["enabled"], false, "nothing was done again");
    let expired = format!("Bearer {}", token(world.tenant, Role::Admin, -120));
    let refused = world.ask(Method::POST, &path, &[("authorization", &expired), ("idempotency-key", "k")], None).await;
    refused.is_problem(401, "token_invalid");
    post(&world, &path, "not a key", None).await.is_problem(400, "idempotency_key_invalid");
    let lifetime = "SELECT count(*) FROM idempotency_keys
        WHERE expires_at - created_at NOT BETWEEN interval '24 hours' AND interval '24 hours 1 second'";
    assert_eq!(world.database.count(lifetime).await, 0);
    world.stop().await;
}

#[tokio::test]
async fn what_replaces_or_deletes_heeds_a_key_as_well() {
    let world = World::start().await;
    let id = connected(&world, "pat-eu1-4242-demo").await;
    let path = format!("{PATH}/{id}");
    let bearer = format!("Bearer {}", world.token(Role::Admin));
    let ask = async |method: Method, key: &str, seen: &str, body: Option<Value>| {
        let headers = [("authorization", bearer.as_str()), ("idempotency-key", key), ("if-match", seen)];
        world.ask(method, &path, &headers, body).await
    };
    let seen = world.get(&path).await.etag().to_owned();
    let renamed = ask(Method::PUT, "k", &seen, Some(json!({ "name": "One" }))).await;
    let again = ask(Method::PUT, "k", &seen, Some(json!({ "name": "One" }))).await;
    assert_eq!((renamed.status.as_u16(), is_replay(&renamed)), (200, false), "{renamed:?}");
    assert!(is_replay(&again), "without its key this would be 412: {again:?}");
    assert_eq!((&again.body, again.etag()), (&renamed.body, renamed.etag()));
    ask(Method::PUT, "k", &seen, Some(json!({ "name": "Two" }))).await.is_problem(422, "idempotency_key_reused");
    let newer = ask(Method::PUT, "k", renamed.etag(), Some(json!({ "name": "One" }))).await;
    newer.is_problem(422, "idempotency_key_reused");
    // The same key is another one for another method.
    let gone = ask(Method::DELETE, "k", renamed.etag(), None).await;
    let again = ask(Method::DELETE, "k", renamed.etag(), None).await;
    assert_eq!((gone.status.as_u16(), is_replay(&gone)), (204, false), "{gone:?}");
    assert_eq!((again.status.as_u16(), is_replay(&again)), (204, true), "without its key this would be 404: {again:?}");
    world.stop().await;
}

/// What holds for a new operation before anybody thinks of it.
#[test]
fn every_operation_that_changes_something_takes_a_key_or_is_known_not_to() {
    let exempt = ["/events", "/preview", "/oauth/start", "/sync-callback", "/api/v1/proxy/{id}/{path}", "/session"];
    let document = crate::world::document();
    let mut with_key = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap().iter().filter(|(key, _)| *key != "servers") {
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            let takes = parameters.clone().any(|it| it["name"] == "Idempotency-Key" && it["in"] == "header");
            let should =
                path.starts_with("/api/v1/") && method != "get" && !exempt.iter().any(|end| path.ends_with(end));
            assert_eq!(takes, should, "{method} {path}");
            if takes {
                // Whoever may ask for it may see what was answered before.
                assert_eq!(operation["security"][0]["bearer"], json!(["admin"]), "{method} {path}");
            }
            with_key += usize::from(takes);
        }
    }
    assert!(with_key >= 15, "{with_key}");
}

#[tokio::test]
async fn a_secret_that_was_made_is_told_again_under_its_key_and_kept_nowhere_in_clear() {
    let world = World::start().await;
    let shop = IntegrationId::new();
    let connected = format!(
        "INSERT INTO tenant_integrations (id, tenant_id, platform, name)
         VALUES ('{shop}', '{}', 'pipedrive', 'Pipedrive')",
        world.tenant
    );
    world.database.execute(&connected).await;
    let path = format!("{PATH}/{shop}/webhook/rotate");
    let first = post(&world, &path, "k", None).await;
    assert_eq!((first.status.as_u16(), is_replay(&first)), (200, false), "{first:?}");
    let secret = first.body["secret"].as_str().unwrap();
    let again = post(&world, &path, "k", None).await;
    assert_eq!((is_replay(&again), &again.body), (true, &first.body));
    // Even once it was replaced, while it still verifies.
    let other = post(&world, &path, "l", None).await;
    assert_ne!(other.body["secret"], first.body["secret"]);
    assert_eq!(post(&world, &path, "k", None).await.body, first.body);
    let dumped = testkit::dump(&world.database.url()).await;
    assert!(!dumped.contains(secret), "the secret lies in the database in clear");
    // Each replaced one verifies for its day, and so many are enough.
    let mut rotations = 1;
    let refused = loop {
        rotations += 1;
        let answer = post(&world, &path, &rotations.to_string(), None).await;
        if answer.status.as_u16() != 200 {
            break answer;
        }
    };
    refused.is_problem(409, "too_many_secrets");
    let wait: u64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((86_000..=86_400).contains(&wait), "{wait}");
    let shown = world.get(&format!("{PATH}/{shop}/webhook")).await;
    assert_eq!(shown.body["secret"]["all_previous_until"].as_array().unwrap().len(), 10, "{shown:?}");
    world.stop().await;
}

#[tokio::test]
async fn what_failed_on_our_side_is_tried_again_under_the_same_key() {
    let world = World::start().await;
    let fault = async |status: Value| {
        let url = format!("{}/_sandbox/hubspot/4242/faults", world.sandbox.url);
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let answer = client.put(url).json(&json!({ "fail_all_status": status })).send().await.unwrap();
        assert!(answer.status().is_success());
    };
    fault(json!(503)).await;
    let away = post(&world, PATH, "k", Some(wish("pat-eu1-4242-demo"))).await;
    away.is_problem(503, "platform_unavailable");
    fault(Value::Null).await;
    let answer = post(&world, PATH, "k", Some(wish("pat-eu1-4242-demo"))).await;
    assert_eq!((answer.status.as_u16(), is_replay(&answer)), (201, false), "{answer:?}");
    world.stop().await;
}

/// Claims the key as a request does that is worked off elsewhere.
async fn claim(world: &World, path: &str, key: &str, lease: Duration) {
    let request = Request {
        key_hash: vault::fingerprint(
            "idempotency-key",
            &[b"POST", b"/api/v1/integrations/{id}/enable", key.as_bytes()],
        ),
        operation: format!("POST {path}"),
        request_hash: vault::fingerprint("idempotency-body", &[b"", b""]),
        claim: "elsewhere".to_owned(),
    };
    let mut tx = world.owner().begin(Scope::System).await.unwrap();
    let standing = idempotency::claim(&mut tx, world.tenant, &request, (lease, Duration::from_hours(1))).await.unwrap();
    assert_eq!(standing, Standing::Claimed);
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn a_request_that_is_under_way_is_not_worked_off_twice_and_one_whose_process_died_is_taken_over() {
    let world = World::start().await;
    let path = format!("{PATH}/{}/enable", connected(&world, "pat-eu1-4242-demo").await);
    claim(&world, &path, "alive", Duration::from_secs(600)).await;
    claim(&world, &path, "dead", Duration::ZERO).await;
    let answer = post(&world, &path, "dead", None).await;
    assert_eq!((answer.status.as_u16(), is_replay(&answer)), (200, false), "{answer:?}");
    assert!(is_replay(&post(&world, &path, "dead", None).await));
    let waiting = post(&world, &path, "alive", None).await;
    waiting.is_problem(409, "idempotency_in_progress");
    assert_eq!(waiting.headers["retry-after"], "1");
    world.stop().await;
}

#[tokio::test]
async fn events_have_ids_of_their_own_and_no_secret_is_kept_for_a_repetition() {
    let world = World::start().await;
    let bearer = format!("Bearer {}", world.token(Role::Admin));
    let headers = [("authorization", bearer.as_str()), ("idempotency-key", "k")];
    for id in ["e-1", "e-2"] {
        let event = json!({ "event_id": id, "type": "prospect.created", "subject_id": "p",
            "occurred_at": "2026-11-22T10:00:00Z", "data": {} });
        let answer = world.ask(Method::POST, "/api/v1/events", &headers, Some(event)).await;
        assert_eq!((answer.status.as_u16(), is_replay(&answer)), (202, false), "{answer:?}");
    }
    let begin = || world.ask(Method::POST, "/api/v1/session", &headers, None);
    let (one, other) = (begin().await, begin().await);
    assert_ne!(one.headers["set-cookie"], other.headers["set-cookie"]);
    assert_eq!(world.database.count("SELECT count(*) FROM idempotency_keys").await, 0);
    world.stop().await;
}
