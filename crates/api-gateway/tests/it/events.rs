//! Handing over events: what is accepted lies in the intake queue, and what is refused leaves nothing behind.

use std::collections::BTreeMap;

use domain::access::Role;
use domain::id::TenantId;
use domain::message::EventMerge;
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::world::{World, token};

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
async fn rule_02_a_thousand_events_travel_in_messages_of_a_hundred_with_one_time_of_acceptance() {
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

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_while_others_are_confirmed_goes_out_with_the_next_and_each_once() {
    let started = World::start().await;
    let world = &started;
    let burst = (0..200).map(|id| async move { (format!("e-{id}"), world.hand_over(&event(id)).await) });
    let mut traces = BTreeMap::new();
    for (id, answer) in join_all(burst).await {
        assert_eq!((answer.status.as_u16(), &answer.body), (202, &json!({ "accepted": 1 })));
        traces.insert(id, answer.headers["x-request-id"].to_str().unwrap().to_owned());
    }
    let messages = world.intake().await;
    let mut published: Vec<_> = messages.iter().flat_map(|message| &message.events).map(|it| &it.event_id).collect();
    published.sort_unstable();
    assert!(published.into_iter().eq(traces.keys()), "one lies there twice, or not at all");
    let (shared, alone): (Vec<_>, Vec<_>) = messages.iter().partition(|message| message.is_shared());
    assert!(!shared.is_empty(), "nothing was shared");
    assert!(alone.iter().all(|message| message.events.len() == 1), "{alone:?}");
    for message in shared {
        assert!((2..=EventMerge::LIMIT).contains(&message.events.len()), "{message:?}");
        let own: Vec<_> = message.events.iter().map(|event| (&event.event_id, event.acceptance.unwrap())).collect();
        assert!(own.iter().all(|(id, own)| own.trace.trace_id() == traces[*id]), "{message:?}");
        assert_eq!(own.iter().map(|(_, own)| own.at).max(), Some(message.accepted_at));
    }
    started.stop().await;
}

#[tokio::test]
async fn no_message_holds_events_of_two_tenants_and_what_is_many_already_shares_with_nobody() {
    let started = World::start().await;
    let (world, other) = (&started, started.other_tenant().await);
    let token = &token(other, Role::Service, 600);
    let both = (0..20).map(|id| async move {
        let pair = json!({ "events": [event(2 * id), event(2 * id + 1)] });
        let single = world.send(Method::POST, "/api/v1/events", Some(token), Some(event(id).to_string()));
        let (single, pair) = tokio::join!(single, world.hand_over(&pair));
        (single.status.as_u16(), pair.status.as_u16())
    });
    assert_eq!(join_all(both).await, [(202, 202); 20]);
    let of = async |tenant: TenantId| {
        let messages = world.intake_of(tenant).await;
        messages.into_iter().filter(|message| message.tenant_id == tenant).collect::<Vec<_>>()
    };
    let pairs: Vec<_> = of(world.tenant).await.iter().map(|it| (it.events.len(), it.is_shared())).collect();
    assert_eq!(pairs, [(2, false); 20]);
    let singles: Vec<_> = of(other).await.into_iter().flat_map(|message| message.events).collect();
    let mut singles: Vec<_> = singles.iter().map(|event| event.event_id.as_str()).collect();
    singles.sort_by_key(|id| (id.len(), *id));
    assert_eq!(singles, (0..20).map(|id| format!("e-{id}")).collect::<Vec<_>>());
    started.stop().await;
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
        // Its message may say it of an event, and no sender.
        (with(|event| event["acceptance"] = Value::Null), 422, "invalid", vec!["acceptance"]),
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
