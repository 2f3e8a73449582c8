//! What was disconnected or switched off for a while: what is there is recognised, and what was missed is caught up.

use persistence::integrations;
use serde_json::json;
use testkit::wait;

use crate::crm::PORTAL;
use crate::scheduling::undisturbed;
use crate::world::{DEADLINE, HASTE, Shape, World, event};

#[tokio::test]
async fn an_account_that_is_connected_again_is_adopted_and_nothing_is_made_twice() {
    let mut world = World::with(&HASTE).await;
    let people = |field: &str, value: &str| {
        let person = |n: u32| json!({"email": format!("p{n}@exemple.fr"), field: value});
        (0..3).map(|n| event("prospect.created", &format!("p{n}"), person(n))).collect()
    };
    world.accept(people("city", "Lyon")).await;
    world.settle().await;
    let before = world.crm.contacts().await;
    assert_eq!(before.len(), 3);

    let mut tx = world.begin().await;
    assert!(integrations::delete(&mut tx, world.tenant, world.integration, None).await.unwrap());
    tx.commit().await.unwrap();
    world.accept(people("company", "Étoile")).await;
    world.take_in().await;
    assert_eq!(world.crm.contacts().await, before, "somebody wrote to what was disconnected");

    world.integration = undisturbed();
    world.connect_account((world.tenant, world.integration), PORTAL, Shape::default()).await;
    wait::until("the gaps of every contact to be filled", DEADLINE, || async {
        let contacts = world.crm.contacts().await;
        if contacts.values().all(|contact| contact.contains_key("company")) { Ok(()) } else { Err(contacts) }
    })
    .await;
    world.settle().await;
    let after = world.crm.contacts().await;
    assert_eq!(after.keys().collect::<Vec<_>>(), before.keys().collect::<Vec<_>>());
    assert_eq!(world.crm.duplicates().await, 0);
}

/// A dispatcher dies when it has found again, by our key, what an earlier connection had made, and has not yet written to it.
#[tokio::test]
async fn what_was_to_be_written_to_a_counterpart_that_was_found_again_is_written_after_a_crash() {
    // A slow machine may use up some of the attempts.
    let attempts = ("BROKER__RETRY_SCHEDULE", "500ms,1s,2s,4s,8s,16s");
    let lease = [("DISPATCHER__LEASE", "15s"), ("DISPATCHER__PLATFORM_TIMEOUT", "10s")];
    let mut world = World::quiet(&[HASTE[0], lease[0], lease[1], attempts]).await;
    let first = world.dispatch_to_crash();
    let person =
        |field: &str, value: &str| event("prospect.created", "p1", json!({"email": "zoe@exemple.fr", field: value}));
    world.accept(vec![person("city", "Lyon")]).await;
    world.settle().await;
    let mut tx = world.begin().await;
    assert!(integrations::delete(&mut tx, world.tenant, world.integration, None).await.unwrap());
    tx.commit().await.unwrap();
    world.accept(vec![person("company", "Étoile")]).await;
    world.take_in().await;
    first.die();

    let (looks, looked_for) = (world.crm.requests("/contacts/batch/read").await, "/contacts/batch/read");
    world.crm.faults(json!({"latency_ms": 4_000})).await;
    world.integration = undisturbed();
    world.connect_account((world.tenant, world.integration), PORTAL, Shape::default()).await;
    let second = world.dispatch_to_crash();
    wait::until("the look", DEADLINE, || async { (world.crm.requests(looked_for).await > looks).then_some(()) }).await;
    // Whatever is asked after this look is never answered, and never done.
    world.crm.faults(json!({"hang": true})).await;
    let noted = "SELECT count(*) FROM record_links WHERE intent_at IS NOT NULL";
    wait::until("a write that is noted", DEADLINE, || async { (world.server.count(noted).await == 1).then_some(()) })
        .await;
    second.die();
    world.crm.faults(json!({"hang": false, "latency_ms": 0})).await;

    world.dispatch();
    world.settle_within(DEADLINE * 2).await;
    let (_, contact) = world.crm.only_contact().await;
    assert_eq!((contact["city"].as_str(), contact["company"].as_str()), ("Lyon", "Étoile"));
}

#[tokio::test]
async fn what_changed_while_it_was_switched_off_is_caught_up() {
    let world = World::with(&HASTE).await;
    let person = |city: &str| event("prospect.created", "p1", json!({"email": "zoe@exemple.fr", "city": city}));
    world.accept(vec![person("Lyon")]).await;
    world.settle().await;
    world.switch(false).await;
    world.accept(vec![person("Paris")]).await;
    world.take_in().await;
    assert_eq!(world.crm.only_contact().await.1["city"], "Lyon");

    world.switch(true).await;
    wait::until("the change to arrive", DEADLINE, || async {
        let (_, contact) = world.crm.only_contact().await;
        if contact["city"] == "Paris" { Ok(()) } else { Err(contact) }
    })
    .await;
    world.settle().await;
    assert_eq!((world.failures().await.len(), world.crm.duplicates().await), (0, 0));
}
