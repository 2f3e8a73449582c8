//! Any interleaving of what Coccinelle and people in the CRM do ends: nothing is written any more, and both hold the same.

use domain::record::Record;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

use crate::crm::told;
use crate::world::{World, event};

const FIELDS: [(&str, &str); 4] =
    [("company", "company"), ("city", "city"), ("job_title", "jobtitle"), ("last_name", "lastname")];

async fn interleave(world: &World, seed: u64) {
    let mut random = StdRng::seed_from_u64(seed);
    for n in 0..4 {
        let data = json!({"email": format!("p{n}@exemple.fr"), "city": "Lyon"});
        world.accept(vec![event("prospect.created", &format!("p{n}"), data)]).await;
    }
    for step in 0..60 {
        let (ours, theirs) = *FIELDS.choose(&mut random).unwrap();
        let value = if random.random_bool(0.1) { String::new() } else { format!("Valeur {seed}-{step}") };
        let contacts: Vec<String> = world.crm.contacts().await.into_keys().collect();
        if random.random_bool(0.5) || contacts.is_empty() {
            let subject = format!("p{}", random.random_range(0..4));
            world.accept(vec![event("prospect.updated", &subject, json!({ours: value}))]).await;
        } else {
            let id = contacts.choose(&mut random).unwrap();
            world.crm.edit_contact(id, json!({theirs: value})).await;
            world.deliver(&[told("propertyChange", id)]).await;
        }
        if random.random_bool(0.1) {
            world.settle().await;
        }
    }
}

#[tokio::test]
async fn promise_4_any_interleaving_settles_with_both_sides_the_same() {
    for seed in 1..=2 {
        let world = World::start().await;
        world.dispatch();
        interleave(&world, seed).await;
        world.settle().await;

        // HubSpot tells of everything once more, our own writes among it.
        let writes = world.crm.api_writes().await.len();
        let contacts = world.crm.contacts().await;
        assert_eq!((contacts.len(), world.crm.duplicates().await), (4, 0), "seed {seed}");
        for id in contacts.keys() {
            world.deliver(&[told("propertyChange", id)]).await;
        }
        world.settle().await;
        assert_eq!(world.crm.api_writes().await.len(), writes, "seed {seed}: writes do not stop");
        for subject in ["p0", "p1", "p2", "p3"] {
            let (record, id) = (world.record(subject).await, world.link(subject).await.external_id.unwrap());
            for (ours, theirs) in FIELDS {
                let there = world.crm.contacts().await[&id].get(theirs).cloned().unwrap_or_default();
                assert_eq!(crate::state::text(&record, ours), there, "seed {seed}, {subject}, {ours}");
            }
        }
    }
}

/// Everything that the record holds, as a backend sends it that re-emits all it is told.
fn whole(record: &Record) -> Value {
    let is_told = |name: &str| domain::schema::find(record.kind, name).is_some();
    let said = record.fields.iter().filter(|(name, stamped)| is_told(name.as_str()) && !stamped.value.is_null());
    said.map(|(name, stamped)| (name.as_str().to_owned(), json!(stamped.value))).collect()
}

#[tokio::test]
async fn rule_01_a_backend_that_sends_again_all_that_it_is_told_settles() {
    let world = World::start().await;
    world.crm.faults(json!({"reformat_phones": true, "truncate": {"jobtitle": 10}})).await;
    let data = json!({"email": "zoe@exemple.fr", "phone": "0612345678", "job_title": "Directrice des ventes"});
    world.accept(vec![event("prospect.created", "p1", data)]).await;
    world.settle().await;
    let (id, _) = world.crm.only_contact().await;
    world.crm.edit_contact(&id, json!({"city": "Lyon", "company": "Fleurs SA"})).await;
    world.deliver(&[told("propertyChange", &id)]).await;
    world.settle().await;

    let (told_of, writes) = (world.record("p1").await, world.crm.api_writes().await.len());
    for _ in 0..3 {
        world.accept(vec![event("prospect.updated", "p1", whole(&world.record("p1").await))]).await;
        world.settle().await;
    }
    let again = world.record("p1").await;
    assert_eq!((again.version, world.crm.api_writes().await.len()), (told_of.version, writes));
    assert_eq!(whole(&again), whole(&told_of));
    // A change made there later still wins: the backend's repetitions have not made its values newer.
    world.crm.edit_contact(&id, json!({"city": "Paris"})).await;
    world.deliver(&[told("propertyChange", &id)]).await;
    world.settle().await;
    assert_eq!(world.value("p1", "city").await, "Paris");
}
