//! Deliveries and events of several requests that came in one message: each is applied and logged as if it had come alone, whatever
//! is wrong with another.

use std::time::Duration;

use connectors::registry::Platform;
use domain::event::{Acceptance, Event};
use domain::id::WebhookLogId;
use domain::message::{EventMerge, Message as _, TracedDelivery, WebhookApply, WebhookApplyMany};
use domain::time::Timestamp;
use domain::trace::TraceParent;
use messaging::Context;
use serde_json::{Value, json};
use testkit::wait;

use crate::crm::told;
use crate::world::{DEADLINE, World, event_at};

fn delivery(body: String) -> TracedDelivery {
    let delivery = WebhookApply {
        delivery: WebhookLogId::new(),
        platform: Platform::HubSpot.connector().descriptor().slug.parse().unwrap(),
        integration_id: None,
        received_at: Timestamp::now(),
        headers: Vec::new(),
        body,
    };
    TracedDelivery { trace: TraceParent::generate(), delivery }
}

#[tokio::test]
async fn one_that_cannot_be_read_holds_none_of_the_others_up_and_dies_alone() {
    let world = World::start().await;
    let mut deliveries = Vec::new();
    for name in ["Zoë", "Paul", "Ana"] {
        let email = format!("{}@exemple.fr", deliveries.len());
        let id = world.crm.add_contact(json!({"email": email, "firstname": name})).await;
        deliveries.push(delivery(Value::from(vec![told("creation", &id)]).to_string()));
    }
    let unreadable = delivery("{}".to_owned());
    deliveries.insert(1, unreadable.clone());
    let message = WebhookApplyMany { deliveries: deliveries.clone() };
    world.broker.publish(&message, &Context::new()).await.unwrap();

    let readable: Vec<_> = deliveries.iter().filter(|it| **it != unreadable).collect();
    wait::until("each to be in the log, in its own trace", DEADLINE, || async {
        let logged = world.deliveries();
        let is_logged = |it: &&TracedDelivery| {
            let trace = it.trace.trace_id();
            logged.iter().any(|line| line.id == it.delivery.delivery && line.correlation_id == trace)
        };
        if readable.iter().all(is_logged) { Ok(()) } else { Err(logged) }
    })
    .await;
    world.settle().await;
    assert_eq!(world.records().await.len(), 3);
    let dead = format!("dead.{}", WebhookApply::QUEUE);
    let letters = wait::until("the one that cannot be read", DEADLINE, || async {
        let exists = world.vhost.queues().await.contains(&dead);
        let letters = if exists { world.vhost.peek(&dead).await } else { Vec::new() };
        if letters.is_empty() { Err("no dead letter") } else { Ok(letters) }
    })
    .await;
    let buried: Vec<WebhookApply> =
        letters.iter().map(|letter| serde_json::from_str(&letter.payload).unwrap()).collect();
    assert_eq!(buried, [unreadable.delivery]);
    assert!(world.vhost.peek(&format!("dead.{}", WebhookApplyMany::QUEUE)).await.is_empty());
}

/// Events as they are published together, each of a request of its own and accepted after the one before.
fn shared(world: &World, events: &[Value]) -> (EventMerge, Vec<TraceParent>) {
    let (mut message, mut traces) =
        (EventMerge { tenant_id: world.tenant, accepted_at: begun(), events: vec![] }, vec![]);
    for event in events {
        let own = Acceptance { at: message.accepted_at.plus(Duration::from_millis(1)), trace: TraceParent::generate() };
        message.accepted_at = own.at;
        message.events.push(Event { acceptance: Some(own), ..domain::event::parse(event, "").unwrap() });
        traces.push(own.trace);
    }
    (message, traces)
}

/// A minute ago.
fn begun() -> Timestamp {
    Timestamp::now().minus(Duration::from_secs(60))
}

#[tokio::test]
async fn events_of_several_requests_are_merged_each_by_its_own_time_and_go_on_in_their_own_traces() {
    let world = World::start().await;
    // By a clock that runs ahead, so that the time of acceptance is what counts.
    let ahead = Timestamp::now().plus(Duration::from_secs(3_600));
    let zoe = event_at("prospect.created", "p1", json!({"email": "zoe@exemple.fr", "first_name": "Zoë"}), ahead);
    let events = [
        zoe.clone(),
        event_at("prospect.created", "p2", json!({"email": "paul@exemple.fr"}), ahead),
        // Of two values of one time the greater one would stand.
        event_at("prospect.updated", "p1", json!({"first_name": "Ana"}), ahead),
        // Sent again, it is no news.
        zoe,
    ];
    let (message, traces) = shared(&world, &events);
    world.broker.publish(&message, &Context::new()).await.unwrap();
    for trace in [traces[1], traces[3]] {
        world.outcome("a push in the trace of its request", |line| line.correlation_id == trace.trace_id()).await;
    }
    world.settle().await;
    assert_eq!(world.value("p1", "first_name").await, "Ana");
    assert_eq!(world.records().await.len(), 2);
}

#[tokio::test]
async fn an_event_that_cannot_be_merged_holds_none_up_that_share_its_message() {
    let world = World::start().await;
    let prospect = |n: u32| {
        let email = format!("{n}@exemple.fr");
        event_at("prospect.created", &format!("p{n}"), json!({"email": email}), Timestamp::now())
    };
    let (mut message, traces) = shared(&world, &[prospect(0), prospect(1), prospect(2)]);
    // The door lets none in that the database cannot hold.
    message.events[1].subject_id = "p\0".to_owned();
    world.broker.publish(&message, &Context::new()).await.unwrap();
    for trace in [traces[0], traces[2]] {
        world.outcome("a push of one that can be merged", |line| line.correlation_id == trace.trace_id()).await;
    }
    assert_eq!(world.records().await.len(), 2);
}
