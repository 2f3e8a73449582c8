//! Handing over events: what is accepted lies in the intake queue, and what is refused leaves nothing behind.

use domain::access::Role;
use domain::message::EventMerge;
use reqwest::Method;
use serde_json::{Value, json};

use crate::world::World;

fn event(id: usize) -> Value {
    json!({
        "event_id": format!("e-{id}"),
        "type": "prospect.created",
        "subject_id": format!("p-{id}"),
        "occurred_at": "2026-11-22T10:00:00Z",
        "data": { "first_name": "Zoé", "email": format!("zoe.{id}@example.fr") },
    })
}

#[tokio::test]
async fn one_event_lies_in_the_intake_queue_once_it_is_accepted() {
    let world = World::start().await;
    let answer = world.hand_over(&event(1)).await;
    assert_eq!((answer.status.as_u16(), &answer.body), (202, &json!({ "accepted": 1 })));
    let messages = world.intake().await;
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0].tenant_id, world.tenant);
    assert_eq!(messages[0].events[0].subject_id, "p-1");
    world.stop().await;
}

#[tokio::test]
async fn a_thousand_events_travel_in_messages_of_a_hundred_with_one_time_of_acceptance() {
    let world = World::start().await;
    let events: Vec<Value> = (0..1_000).map(event).collect();
    let answer = world.hand_over(&json!({ "events": events })).await;
    assert_eq!((answer.status.as_u16(), &answer.body), (202, &json!({ "accepted": 1_000 })));
    let messages = world.intake().await;
    assert_eq!(messages.iter().map(|message| message.events.len()).collect::<Vec<_>>(), [100; 10]);
    assert!(messages.iter().all(|message| message.accepted_at == messages[0].accepted_at));
    let ids: Vec<_> = messages.iter().flat_map(|message| &message.events).map(|event| event.event_id.clone()).collect();
    assert_eq!(ids, (0..1_000).map(|id| format!("e-{id}")).collect::<Vec<_>>());
    world.stop().await;
}

#[tokio::test]
async fn the_trace_of_the_request_travels_with_the_message() {
    let world = World::start().await;
    let answer = world.hand_over(&event(1)).await;
    let trace = answer.headers["x-request-id"].to_str().unwrap().to_owned();
    let stored = world.vhost.peek(EventMerge::queue_of(world.tenant)).await;
    let headers = stored[0].properties["headers"].to_string();
    assert!(headers.contains(&trace), "{headers} has no {trace}");
    world.stop().await;
}

#[tokio::test]
async fn bad_input_is_told_with_its_path_and_leaves_nothing_behind() {
    let world = World::start().await;
    let with = |change: fn(&mut Value)| {
        let mut event = event(1);
        change(&mut event);
        event.to_string()
    };
    let batch = |second: Value| json!({ "events": [event(1), second] }).to_string();
    let too_many: Vec<Value> = (0..1_001).map(|id| json!({ "event_id": id })).collect();
    let cases: Vec<(String, u16, &str, Vec<&str>)> = vec![
        ("{\"events\": [".to_owned(), 400, "malformed", vec![]),
        (String::new(), 400, "malformed", vec![]),
        (with(|event| event["colour"] = json!("red")), 422, "invalid", vec!["colour"]),
        (with(|event| event["type"] = json!("prospect.exploded")), 422, "invalid", vec!["type"]),
        (with(|event| event["data"]["emial"] = json!("x")), 422, "invalid", vec!["data.emial"]),
        (
            batch(json!({ "type": "x" })),
            422,
            "invalid",
            vec!["events[1].event_id", "events[1].subject_id", "events[1].occurred_at", "events[1].type"],
        ),
        (json!({ "events": [event(1)], "dry_run": true }).to_string(), 422, "invalid", vec!["dry_run"]),
        (json!({ "events": [] }).to_string(), 422, "invalid", vec!["events"]),
        (json!({ "events": too_many }).to_string(), 422, "invalid", vec!["events"]),
        ("[]".to_owned(), 422, "invalid", vec![""]),
        (format!("\"{}\"", "x".repeat(300_001)), 413, "too_large", vec![]),
    ];
    for (body, status, code, paths) in cases {
        let start: String = body.chars().take(80).collect();
        let token = world.token(Role::Service);
        let answer = world.send(Method::POST, "/api/v1/events", Some(&token), Some(body)).await;
        answer.is_problem(status, code);
        assert_eq!(answer.paths(), paths, "{start}");
    }
    // The queue comes into being with the first message; this one is alone in it.
    assert_eq!(world.hand_over(&event(7)).await.status.as_u16(), 202);
    let messages = world.intake().await;
    let ids: Vec<_> = messages.iter().flat_map(|message| &message.events).map(|event| &event.event_id).collect();
    assert_eq!(ids, ["e-7"]);
    world.stop().await;
}
