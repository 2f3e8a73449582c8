//! Deliveries that came in one message: each is applied and logged as if it had come alone, whatever is wrong with another.

use connectors::registry::Platform;
use domain::id::WebhookLogId;
use domain::message::{Message as _, TracedDelivery, WebhookApply, WebhookApplyMany};
use domain::time::Timestamp;
use domain::trace::TraceParent;
use messaging::Context;
use serde_json::{Value, json};
use testkit::wait;

use crate::crm::told;
use crate::world::{DEADLINE, World};

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
