//! What is still on its way for a tenant that was erased goes nowhere, and harms nobody.

use domain::message::{EventMerge, Message as _, RecordPush, WebhookApply};
use domain::time::Timestamp;
use messaging::Context;
use persistence::erasure;
use serde_json::json;
use testkit::wait;

use crate::crm::PORTAL;
use crate::world::{DEADLINE, World, event};

#[tokio::test]
async fn messages_for_an_erased_tenant_are_dropped_and_become_no_dead_letters() {
    let world = World::quiet(&[]).await;
    let first = world.dispatch();
    world.accept(vec![event("prospect.created", "p1", json!({"email": "zoe@exemple.fr"}))]).await;
    world.settle().await;
    let (contact, _) = world.crm.only_contact().await;
    let link = world.link("p1").await.id;
    first.cancel();
    let writes = world.crm.api_writes().await.len();

    // Everything that may still lie in a queue, while nobody takes it.
    let read = domain::event::parse(&event("prospect.updated", "p1", json!({"city": "Lyon"})), "").unwrap();
    let events = EventMerge { tenant_id: world.tenant, accepted_at: Timestamp::now(), events: vec![read] };
    world.broker.publish(&events, &Context::new()).await.unwrap();
    let push = RecordPush { tenant_id: world.tenant, integration_id: world.integration, link_id: link };
    world.broker.publish(&push, &Context::new()).await.unwrap();
    let change = json!({"eventId": 1, "portalId": PORTAL, "occurredAt": Timestamp::now().as_millis(),
        "subscriptionType": "contact.propertyChange", "objectId": contact.parse::<u64>().unwrap(),
        "propertyName": "city", "propertyValue": "Lyon", "changeSource": "CRM_UI"});
    world.deliver(&[change]).await;
    let mut tx = world.begin().await;
    erasure::begin(&mut tx, world.tenant).await.unwrap();
    for table in erasure::tables(&mut tx).await.unwrap() {
        while erasure::delete_rows(&mut tx, &table, world.tenant, 100).await.unwrap() > 0 {}
    }
    assert!(erasure::end(&mut tx, world.tenant).await.unwrap());
    tx.commit().await.unwrap();

    wait::until("the queues to be empty once nobody holds anything", DEADLINE, || async {
        world.dispatch_once().await;
        // The log's are the test's own to empty.
        let mut left = Vec::new();
        for beginning in ["dispatcher.", "retry.", "intake."] {
            left.extend(world.waiting(beginning).await);
        }
        if left.is_empty() { Ok(()) } else { Err(left) }
    })
    .await;
    for queue in [EventMerge::queue_of(world.tenant), RecordPush::QUEUE, WebhookApply::QUEUE] {
        assert_eq!(world.vhost.peek(&format!("dead.{queue}")).await.len(), 0, "{queue}");
    }
    assert_eq!(world.crm.api_writes().await.len(), writes, "nothing was written to the CRM");
    let heard = world.deliveries();
    assert!(heard.iter().all(|outcome| outcome.tenant_id.is_none() && outcome.body.is_none()), "{heard:?}");
}
