//! What Coccinelle accepts arrives in the CRM: once, whole, and however it is sent.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::wait;

use domain::outcome::SyncType;

use crate::world::{DEADLINE, World, event, event_at};
use domain::time::Timestamp;

fn created(subject: &str, data: Value) -> Value {
    event("prospect.created", subject, data)
}

#[tokio::test]
async fn a_prospect_becomes_a_contact_with_a_link_and_a_line_in_the_log() {
    let world = World::start().await;
    let data =
        json!({"first_name": "Zoé", "last_name": "Martin", "email": "zoe@exemple.fr", "phone": "06 12 34 56 78"});
    world.accept(vec![created("p1", data)]).await;
    world.settle().await;

    let (id, contact) = world.crm.only_contact().await;
    assert_eq!(contact["firstname"], "Zoé");
    assert_eq!(contact["lastname"], "Martin");
    assert_eq!(contact["email"], "zoe@exemple.fr");
    assert_eq!(contact["phone"], "06 12 34 56 78");
    assert_eq!(contact["coccinelle_id"], world.record("p1").await.id.to_string());
    assert_eq!(world.link("p1").await.external_id.as_ref(), Some(&id));
    let outcome = world.outcome("the create in the log", |outcome| outcome.sync_type == SyncType::Create).await;
    assert_eq!((outcome.status(), outcome.external_id), ("success", Some(id)));
    assert_eq!(outcome.record_id, Some(world.record("p1").await.id));
}

/// How quickly is measured by `cargo xtask bench`.
#[tokio::test]
async fn what_happens_now_does_not_wait_for_the_reconciler() {
    let world = World::with(&[("DISPATCHER__RECONCILE_EVERY", "1h")]).await;
    // The first may be what it finds as it starts.
    for n in 1..=3 {
        world.accept(vec![created(&format!("p{n}"), json!({"email": format!("p{n}@exemple.fr")}))]).await;
        wait::until("the contact", DEADLINE, || async {
            let contacts = world.crm.contacts().await.len();
            if contacts == n { Ok(()) } else { Err(contacts) }
        })
        .await;
    }
}

#[tokio::test]
async fn ten_updates_of_one_prospect_are_one_contact_with_the_last_values_and_few_writes() {
    let world = World::quiet(&[]).await;
    world.accept(vec![created("p1", json!({"email": "zoe@exemple.fr", "company": "A"}))]).await;
    for n in 1..=10 {
        let data = json!({"company": format!("Société {n}"), "city": format!("Ville {n}")});
        world.accept(vec![event("prospect.updated", "p1", data)]).await;
    }
    // All are merged while the first is looked for.
    world.crm.faults(json!({"latency_ms": 1_000})).await;
    world.dispatch();
    world.settle().await;

    let (_, contact) = world.crm.only_contact().await;
    assert_eq!((contact["company"].as_str(), contact["city"].as_str()), ("Société 10", "Ville 10"));
    let writes = world.crm.api_writes().await;
    assert!(writes.len() <= 5, "{} writes: {writes:#?}", writes.len());
}

#[tokio::test]
async fn promise_4_the_same_events_twice_and_shuffled_between_two_dispatchers_are_the_same_contacts() {
    let world = World::start().await;
    world.dispatch();
    let start = Timestamp::now();
    let mut events = Vec::new();
    for person in 0..5 {
        let (subject, email) = (format!("p{person}"), format!("p{person}@exemple.fr"));
        for n in 0_u32..6 {
            let kind = if n == 0 { "prospect.created" } else { "prospect.updated" };
            let at = start.plus(Duration::from_micros(n.into()));
            let mut data = json!({"email": email, "company": format!("Société {n}")});
            data[["city", "address", "website"][usize::try_from(n % 3).unwrap()]] = format!("Valeur {n}").into();
            events.push(event_at(kind, &subject, data, at));
        }
    }
    // The time of acceptance bounds the times of the events.
    let twice: Vec<Value> = events.iter().chain(events.iter().rev()).cloned().collect();
    for step in [7, 3, 1] {
        let shuffled: Vec<Value> = (0..twice.len()).map(|at| twice[at * step % twice.len()].clone()).collect();
        for event in shuffled {
            world.accept(vec![event]).await;
        }
    }
    world.settle().await;

    let contacts = world.crm.contacts().await;
    assert_eq!((contacts.len(), world.crm.duplicates().await), (5, 0));
    for contact in contacts.values() {
        assert_eq!(contact["company"], "Société 5");
        assert_eq!([&contact["city"], &contact["address"], &contact["website"]], ["Valeur 3", "Valeur 4", "Valeur 5"]);
    }
}

#[tokio::test]
async fn rule_06_one_address_in_two_cases_is_one_person() {
    let world = World::start().await;
    world.accept(vec![created("p1", json!({"email": "Zoe@Exemple.fr", "first_name": "Zoé"}))]).await;
    world.accept(vec![created("p2", json!({"email": "zoe@exemple.FR", "last_name": "Martin"}))]).await;
    world.settle().await;

    assert_eq!(world.record("p1").await.id, world.record("p2").await.id);
    let (_, contact) = world.crm.only_contact().await;
    assert_eq!((contact["firstname"].as_str(), contact["lastname"].as_str()), ("Zoé", "Martin"));
}

#[tokio::test]
async fn rule_06_one_number_in_two_notations_is_one_person() {
    let world = World::start().await;
    world.accept(vec![created("p1", json!({"phone": "06 12 34 56 78", "first_name": "Zoé"}))]).await;
    world.accept(vec![created("p2", json!({"phone": "+33612345678", "last_name": "Martin"}))]).await;
    world.settle().await;

    assert_eq!(world.record("p1").await.id, world.record("p2").await.id);
    let (_, contact) = world.crm.only_contact().await;
    assert_eq!((contact["firstname"].as_str(), contact["lastname"].as_str()), ("Zoé", "Martin"));
}

#[tokio::test]
async fn two_people_who_share_a_number_stay_two() {
    let world = World::start().await;
    world.accept(vec![created("p1", json!({"phone": "06 12 34 56 78", "email": "zoe@exemple.fr"}))]).await;
    world.accept(vec![created("p2", json!({"phone": "0612345678", "email": "paul@exemple.fr"}))]).await;
    world.settle().await;

    assert_ne!(world.record("p1").await.id, world.record("p2").await.id);
    let contacts = world.crm.contacts().await;
    let mut emails: Vec<&str> = contacts.values().map(|contact| contact["email"].as_str()).collect();
    emails.sort_unstable();
    assert_eq!(emails, ["paul@exemple.fr", "zoe@exemple.fr"]);
}

#[tokio::test]
async fn more_than_a_lane_holds_arrives() {
    // What overflows is the lane's own to fetch, not the reconciler's.
    let small = [
        ("DISPATCHER__PUSH_PREFETCH", "1000"),
        ("DISPATCHER__LANE_BATCH", "50"),
        ("DISPATCHER__RECONCILE_EVERY", "1h"),
    ];
    let world = World::with(&small).await;
    let person = |n: u32| created(&format!("p{n}"), json!({"email": format!("p{n}@exemple.fr")}));
    world.accept((0..2_000).map(person).collect()).await;
    world.settle_within(DEADLINE * 3).await;

    assert_eq!((world.crm.contacts().await.len(), world.crm.duplicates().await), (2_000, 0));
}
