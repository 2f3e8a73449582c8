//! Deliveries and events of several requests that came in one message: each is counted and logged as if it had come alone, whatever
//! is wrong with another.

use std::time::Duration;

use connectors::registry::Platform;
use domain::event::{Acceptance, Event};
use domain::integration::Frequency;
use domain::message::{EventMerge, Message as _, TracedDelivery, WebhookApply, WebhookApplyMany};
use domain::outcome::{WebhookOutcome, WebhookResult};
use domain::time::Timestamp;
use domain::trace::TraceParent;
use messaging::Context;
use serde_json::{Value, json};
use testkit::wait;

use crate::crm::told;
use crate::peers;
use crate::world::{DEADLINE, Shape, World, event_at};

/// A delivery that begins a trace.
pub(crate) fn traced(delivery: WebhookApply) -> TracedDelivery {
    TracedDelivery { trace: TraceParent::generate(), delivery }
}

/// What the CRM tells in one delivery.
pub(crate) fn of_crm(changes: Vec<Value>) -> TracedDelivery {
    traced(peers::delivery(Platform::HubSpot, &[], Value::from(changes).to_string()))
}

impl World {
    /// Hands over deliveries that came together, as the ingest does.
    pub(crate) async fn share(&self, deliveries: &[TracedDelivery]) {
        let message = WebhookApplyMany { deliveries: deliveries.to_vec() };
        self.broker.publish(&message, &Context::new()).await.unwrap();
    }

    /// The rows of deliveries in the log, in their order, each in the trace of its delivery.
    pub(crate) async fn rows_of(&self, deliveries: &[&TracedDelivery]) -> Vec<WebhookOutcome> {
        wait::until("each to be in the log, in its own trace", DEADLINE, || async {
            let logged = self.deliveries();
            let row = |it: &&TracedDelivery| {
                let trace = it.trace.trace_id();
                logged.iter().find(|row| row.id == it.delivery.delivery && row.correlation_id == trace).cloned()
            };
            let rows: Option<Vec<_>> = deliveries.iter().map(row).collect();
            rows.ok_or(logged)
        })
        .await
    }
}

/// How many objects a delivery marked, and whether the log keeps its body.
pub(crate) fn effect(row: &WebhookOutcome) -> (WebhookResult, bool) {
    (row.result.clone(), row.body.is_some())
}

/// The same, of one that was applied.
pub(crate) fn applied(marked: u32, has_body: bool) -> (WebhookResult, bool) {
    (WebhookResult::Applied { marked }, has_body)
}

/// An integration of which what is marked lies as it was written: it is read by a run.
async fn hourly() -> World {
    let world = World::shaped(&[], Shape { frequency: Frequency::Hourly, ..Shape::default() }).await;
    world.dispatch();
    world
}

#[tokio::test]
async fn deliveries_of_one_message_are_one_commit() {
    let world = hourly().await;
    let deliveries: Vec<_> = (1..=20).map(|n| of_crm(vec![told("creation", &n.to_string())])).collect();
    world.share(&deliveries).await;
    let rows = world.rows_of(&deliveries.iter().collect::<Vec<_>>()).await;
    assert!(rows.iter().all(|row| effect(row) == applied(1, true)), "{rows:#?}");
    let links = format!("FROM record_links WHERE integration_id = '{}' AND remote_dirty", world.integration);
    assert_eq!(world.server.count(&format!("SELECT count(*) {links}")).await, 20);
    let commits = format!("SELECT count(DISTINCT xmin::text) {links}");
    assert_eq!(world.server.count(&commits).await, 1, "each transaction writes its number into its rows");
}

#[tokio::test]
async fn a_deletion_counts_what_was_known_when_it_came_and_so_does_what_came_after_it() {
    let world = hourly().await;
    let said = [
        // Nobody knows it yet.
        (vec![told("deletion", "1")], 0),
        (vec![told("creation", "1")], 1),
        (vec![told("deletion", "1")], 1),
        (vec![told("creation", "1"), told("propertyChange", "1"), told("creation", "2")], 2),
        (vec![told("deletion", "3"), told("creation", "3")], 2),
        (vec![told("deletion", "4")], 0),
        (Vec::new(), 0),
    ];
    let deliveries: Vec<_> = said.iter().map(|(changes, _)| of_crm(changes.clone())).collect();
    world.share(&deliveries).await;
    let rows = world.rows_of(&deliveries.iter().collect::<Vec<_>>()).await;
    // Whoever says nothing names no account.
    let nobodys = (WebhookResult::Ignored { reason: "unknown_account".to_owned() }, false);
    let expected = said.iter().map(|(changes, marked)| match changes.as_slice() {
        [] => nobodys.clone(),
        _ => applied(*marked, true),
    });
    assert_eq!(rows.iter().map(effect).collect::<Vec<_>>(), expected.collect::<Vec<_>>());
    assert_eq!(world.drift().await, 3);
}

#[tokio::test]
async fn one_that_the_database_refuses_holds_none_of_the_others_up() {
    let world = hourly().await;
    // The door lets none in that the database cannot hold.
    let headers = [("x-shopify-topic", "customers/update"), ("x-shopify-shop-domain", "acme\0.myshopify.com")];
    let refused = traced(peers::delivery(Platform::Shopify, &headers, json!({"id": 1}).to_string()));
    let deliveries = [of_crm(vec![told("creation", "1")]), refused, of_crm(vec![told("creation", "2")])];
    world.share(&deliveries).await;
    let rows = world.rows_of(&[&deliveries[0], &deliveries[2]]).await;
    assert!(rows.iter().all(|row| effect(row) == applied(1, true)), "{rows:#?}");
    assert_eq!(world.deliveries().len(), 2);
}

#[tokio::test]
async fn one_that_cannot_be_read_holds_none_of_the_others_up_and_dies_alone() {
    let world = World::start().await;
    let mut deliveries = Vec::new();
    for name in ["Zoë", "Paul", "Ana"] {
        let email = format!("{}@exemple.fr", deliveries.len());
        let id = world.crm.add_contact(json!({"email": email, "firstname": name})).await;
        deliveries.push(of_crm(vec![told("creation", &id)]));
    }
    let unreadable = traced(peers::delivery(Platform::HubSpot, &[], "{}".to_owned()));
    deliveries.insert(1, unreadable.clone());
    world.share(&deliveries).await;

    let readable: Vec<_> = deliveries.iter().filter(|it| **it != unreadable).collect();
    world.rows_of(&readable).await;
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
