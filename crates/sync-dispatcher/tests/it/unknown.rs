//! Writes of which nobody knows whether they landed: they are looked for before anything else is written, and what stands then.

use std::collections::BTreeSet;

use domain::fault::FaultKind;
use domain::integration::Direction;
use domain::kind::RecordKind;
use domain::outcome::{SyncOutcome, SyncType};
use serde_json::{Value, json};
use testkit::wait;

use crate::crm::Properties;
use crate::dying::Doomed;
use crate::scheduling::undisturbed;
use crate::world::{DEADLINE, HASTE, NO_BREAKERS, Shape, World, event};

/// An account without room for our key.
const KEYLESS: u64 = 4345;

/// What two accounts show of the one person that both are told of, where the second has no room for our key and the answer to its create
/// is lost. Somebody tells more of that person before it is tried again.
async fn after_a_create_is_lost(before: Value, since: Value) -> Vec<Properties> {
    let world = World::quiet(&[]).await;
    let (keyless, crm) = (undisturbed(), world.crm.another(KEYLESS));
    crm.faults(json!({"lost_answer_next": 1, "unique_properties": 0})).await;
    world.connect_account((world.tenant, keyless), KEYLESS, Shape::default()).await;
    world.dispatch();
    world.accept(vec![event("prospect.created", "p1", before)]).await;
    let was_lost = |outcome: &SyncOutcome| outcome.integration_id == keyless && outcome.error.is_some();
    world.outcome("a create whose answer is lost", was_lost).await;
    world.accept(vec![event("prospect.updated", "p1", since)]).await;
    world.settle().await;
    world.in_step(keyless).await;
    crm.contacts().await.into_values().collect()
}

#[tokio::test]
async fn what_a_lost_create_wrote_does_not_stand_against_what_came_since() {
    let living_in = |city: &str| json!({"phone": "0600000001", "last_name": "Petit", "city": city});
    let contacts = after_a_create_is_lost(living_in("Lyon"), living_in("Paris")).await;
    let [contact] = contacts.as_slice() else { panic!("{contacts:?}") };
    assert_eq!(contact["city"], "Paris", "{contact:?}");
    assert!(!contact.contains_key("coccinelle_id"), "our key would have told it: {contact:?}");
}

#[tokio::test]
async fn rule_08_a_lost_create_is_found_by_what_was_known_of_it() {
    let before = json!({"phone": "0600000001", "last_name": "Petit"});
    let since = json!({"phone": "0600000001", "last_name": "Petit", "email": "zoe@exemple.fr"});
    let contacts = after_a_create_is_lost(before, since).await;
    let [contact] = contacts.as_slice() else { panic!("{contacts:?}") };
    assert_eq!(contact["email"], "zoe@exemple.fr", "{contact:?}");
}

/// Waits until an update ended so.
async fn failed(world: &World, class: FaultKind) {
    let is_it = |outcome: &SyncOutcome| {
        outcome.sync_type == SyncType::Update && outcome.error.as_ref().is_some_and(|error| error.class == class)
    };
    world.outcome("an update that fails", is_it).await;
}

#[tokio::test]
async fn an_update_that_was_perhaps_written_is_looked_at_before_another_is_written_over_it() {
    let world = World::with(&HASTE).await;
    let living_in = |name: &str, city: &str| event(name, "p1", json!({"email": "zoe@exemple.fr", "city": city}));
    world.accept(vec![living_in("prospect.created", "Lyon")]).await;
    world.settle().await;
    let looks = world.crm.requests("/contacts/batch/read").await;
    world.crm.faults(json!({"lost_answer_next": 1})).await;
    world.accept(vec![living_in("prospect.updated", "Arles")]).await;
    failed(&world, FaultKind::Unavailable).await;
    world.accept(vec![living_in("prospect.updated", "Sète")]).await;
    world.settle().await;
    assert!(world.crm.requests("/contacts/batch/read").await > looks);
    assert_eq!(world.crm.only_contact().await.1["city"], "Sète");
}

#[tokio::test]
async fn a_value_where_none_was_before_is_written_after_an_attempt_that_did_not_land() {
    let world = World::with(&HASTE).await;
    let person = |name: &str, data: Value| event(name, "p1", data);
    world.accept(vec![person("prospect.created", json!({"phone": "0600000001"}))]).await;
    world.settle().await;
    world.crm.faults(json!({"fail_next": {"count": 1, "status": 503}})).await;
    world.accept(vec![person("prospect.updated", json!({"phone": "0600000001", "city": "Lyon"}))]).await;
    failed(&world, FaultKind::Unavailable).await;
    world.settle().await;
    let (_, contact) = world.crm.only_contact().await;
    assert_eq!(contact.get("city").map(String::as_str), Some("Lyon"), "{contact:?}");
}

/// Somebody else has the number that was to be written.
#[tokio::test]
async fn what_was_to_be_written_to_an_object_that_is_gone_leads_to_nobody_else() {
    let shape = Shape::default().with(RecordKind::Contact, Direction::ToPlatform);
    let patience = ("BROKER__RETRY_SCHEDULE", "500ms,1s,2s,4s,8s,16s");
    let world = World::shaped(&[HASTE[0], HASTE[1], NO_BREAKERS, patience], shape).await;
    world.crm.faults(json!({"search_lag_ms": 0})).await;
    world.crm.add_contact(json!({"email": "paul@exemple.fr", "phone": "+33600000002"})).await;
    world.dispatch();
    let person = |name: &str, phone: &str| event(name, "p1", json!({"email": "zoe@exemple.fr", "phone": phone}));
    world.accept(vec![person("prospect.created", "0600000001")]).await;
    world.settle().await;
    world.crm.faults(json!({"fail_all_status": 503})).await;
    world.accept(vec![person("prospect.updated", "0600000002")]).await;
    failed(&world, FaultKind::Unavailable).await;
    let contacts = world.crm.contacts().await;
    let (gone, _) = contacts.iter().find(|(_, contact)| contact["email"] == "zoe@exemple.fr").unwrap();
    world.crm.delete_contact(gone).await;
    world.crm.faults(json!({"fail_all_status": null})).await;
    world.settle().await;
    let contacts = world.crm.contacts().await;
    let emails: BTreeSet<&str> = contacts.values().map(|contact| contact["email"].as_str()).collect();
    assert_eq!(emails, ["paul@exemple.fr", "zoe@exemple.fr"].into(), "{contacts:?}");
    assert!(!contacts.contains_key(gone));
}

/// Lets a dispatcher die over the first write of which it waits for the answer, when so many links are noted and have no object yet. What
/// it held is free at once.
async fn die_over_a_write(world: &World, doomed: Doomed, noted: i64) {
    wait::until("the write", DEADLINE, || async { (!world.crm.api_writes().await.is_empty()).then_some(()) }).await;
    doomed.die();
    let unlinked = "SELECT count(*) FROM record_links WHERE intent_at IS NOT NULL AND external_id IS NULL";
    assert_eq!(world.server.count(unlinked).await, noted);
    world.server.execute("UPDATE record_links SET lease_until = now() WHERE lease_token IS NOT NULL").await;
}

/// Somebody older has the same number, and another address.
#[tokio::test]
async fn who_was_found_is_found_again_after_a_death_by_what_was_seen_and_not_by_what_was_written() {
    let world = World::quiet(&HASTE[..1]).await;
    world.crm.faults(json!({"search_lag_ms": 0, "lost_answer_next": 1, "lost_answer_as": "silence"})).await;
    let older = world.crm.add_contact(json!({"email": "paul@exemple.fr", "phone": "+33600000001"})).await;
    let found = world.crm.add_contact(json!({"email": "zoe@exemple.fr"})).await;
    let doomed = world.dispatch_to_crash();
    let person = json!({"email": "zoe@exemple.fr", "phone": "0600000001"});
    world.accept(vec![event("prospect.created", "p1", person)]).await;
    die_over_a_write(&world, doomed, 1).await;
    world.dispatch();
    world.settle().await;
    let of = (world.integration, RecordKind::Contact, found.as_str());
    world
        .record_at(of, |record| {
            record.fields.value("email").is_some_and(|email| email.as_text() == Some("zoe@exemple.fr"))
        })
        .await;
    let contacts = world.crm.contacts().await;
    assert_eq!((contacts[&older]["email"].as_str(), contacts.len()), ("paul@exemple.fr", 2), "{contacts:?}");
}

/// Nothing had to be written to whoever was there, and the dispatcher dies over somebody else of the same batch.
#[tokio::test]
async fn who_was_found_and_not_linked_before_a_death_does_not_stand_against_what_came_since() {
    let world = World::quiet(&[HASTE[0], ("DISPATCHER__LANE_PARALLEL", "1")]).await;
    for (name, city) in [("anna", "Nice"), ("zoe", "Brest")] {
        world.crm.add_contact(json!({"email": format!("{name}@exemple.fr"), "city": city})).await;
    }
    let created = |name: &str| event("prospect.created", name, json!({"email": format!("{name}@exemple.fr")}));
    world.crm.faults(json!({"latency_ms": 3_000, "lost_answer_next": 1, "lost_answer_as": "silence"})).await;
    let doomed = world.dispatch_to_crash();
    // The others gather while the lane waits for what is shown of the first.
    world.accept(vec![created("anna")]).await;
    let looked_for = "/contacts/batch/read";
    wait::until("a look", DEADLINE, || async { (world.crm.requests(looked_for).await > 0).then_some(()) }).await;
    world.accept(vec![created("zoe"), created("paul")]).await;
    die_over_a_write(&world, doomed, 2).await;
    world.crm.faults(json!({"latency_ms": 0})).await;
    let moved = event("prospect.updated", "zoe", json!({"email": "zoe@exemple.fr", "city": "Paris"}));
    world.accept(vec![moved]).await;
    world.dispatch();
    world.settle().await;
    let contacts = world.crm.contacts().await;
    let cities: Vec<_> = contacts.values().filter_map(|contact| contact.get("city")).collect();
    assert_eq!(cities, ["Nice", "Paris"], "{contacts:?}");
}
