//! Requests that come twice: at once, later, changed, after a failure, after a crash.

use std::time::Duration;

use domain::access::Role;
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
async fn a_key_belongs_to_one_request_of_one_caller() {
    let world = World::start().await;
    let id = connected(&world, "pat-eu1-4242-demo").await;
    let path = format!("{PATH}/{id}/enable");
    assert_eq!(post(&world, &path, "k", None).await.status.as_u16(), 200);
    for (path, body) in [
        (path.clone(), Some(json!({}))),
        (format!("{path}?x=1"), None),
        (format!("{PATH}/{id}/disable"), None),
        (PATH.to_owned(), Some(wish("pat-eu1-4343-demo"))),
    ] {
        post(&world, &path, "k", body).await.is_problem(422, "idempotency_key_reused");
    }
    // Who may not ask is refused, whatever key they have guessed; another caller's key is another one.
    for (tenant, role, status) in [
        (world.tenant, Role::Viewer, 403),
        (world.other_tenant().await, Role::Admin, 404),
        (world.tenant, Role::Admin, 200),
    ] {
        let bearer = format!("Bearer {}", crate::world::token_of("somebody else", tenant, role, 600));
        let answer =
            world.ask(Method::POST, &path, &[("authorization", &bearer), ("idempotency-key", "k")], None).await;
        assert_eq!((answer.status.as_u16(), is_replay(&answer)), (status, false), "{answer:?}");
    }
    let expired = format!("Bearer {}", token(world.tenant, Role::Admin, -120));
    let refused = world.ask(Method::POST, &path, &[("authorization", &expired), ("idempotency-key", "k")], None).await;
    refused.is_problem(401, "token_invalid");
    post(&world, &path, "not a key", None).await.is_problem(400, "idempotency_key_invalid");
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
        key_hash: vault::fingerprint("idempotency-key", &[b"a test", key.as_bytes()]),
        operation: format!("POST {path}"),
        request_hash: vault::fingerprint("idempotency-body", &[b""]),
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
