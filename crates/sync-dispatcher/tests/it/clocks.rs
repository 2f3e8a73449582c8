//! A dispatcher whose clock is wrong: what it notes, and what is due, goes by the database's.

use std::time::Duration;

use domain::field::FieldName;
use domain::integration::Frequency;
use domain::record::Record;
use domain::time::Timestamp;
use serde_json::json;
use testkit::wait;

use crate::crm::told;
use crate::running::prompt;
use crate::world::{DEADLINE, HASTE, Shape, World, event};

/// Whether a field became what it is by the database's clock.
fn is_by_the_database(record: &Record, field: &str) -> bool {
    let stamp = record.fields.get(field).unwrap().stamp;
    Timestamp::now().until(stamp.at) > Duration::from_secs(3_600)
}

#[tokio::test]
async fn what_a_read_finds_is_as_of_the_databases_clock() {
    let world = World::quiet(&[]).await;
    world.server.put_ahead().await;
    world.dispatch();
    world.accept(vec![event("prospect.created", "p1", json!({"email": "zoe@exemple.fr"}))]).await;
    world.settle().await;
    let (id, _) = world.crm.only_contact().await;
    world.crm.delete_contact(&id).await;
    world.deliver(&[told("deletion", &id)]).await;
    world.settle().await;
    let record = world.record("p1").await;
    assert!(record.fields.is_deleted());
    assert!(is_by_the_database(&record, FieldName::DELETED), "{record:?}");
}

#[tokio::test]
async fn what_somebody_decides_is_as_of_the_databases_clock() {
    let world = World::quiet(&[]).await;
    world.server.put_ahead().await;
    world.dispatch();
    world.refuse_a_contact().await;
    for link in world.correct("zoe@exemple.fr").await {
        world.name_edit(link).await;
    }
    world.delivers().await;
    let record = world.record("p1").await;
    assert!(is_by_the_database(&record, "website"), "{record:?}");
    assert!(!is_by_the_database(&record, "last_name"), "what an event brings has its own time: {record:?}");
}

#[tokio::test]
async fn a_run_is_due_by_the_databases_clock() {
    let world = World::shaped(&HASTE, Shape { frequency: Frequency::Hourly, ..Shape::default() }).await;
    world.crm.faults(prompt()).await;
    world.crm.add_contact(json!({"email": "paul@exemple.fr"})).await;
    world.server.put_ahead().await;
    world.dispatch();
    wait::until("the contact to be pulled", DEADLINE, || async {
        let records = world.records().await.len();
        if records == 1 { Ok(()) } else { Err(records) }
    })
    .await;
}
