//! A kind flows one way only, whatever the road: events, webhooks and runs.

use domain::integration::Direction;
use domain::kind::RecordKind;
use serde_json::json;

use crate::crm::told;
use crate::running::{people, prompt};
use crate::world::{Shape, World, event};

async fn contacts_flow(direction: Direction) -> World {
    let world = World::shaped(&[], Shape::default().with(RecordKind::Contact, direction)).await;
    world.crm.faults(prompt()).await;
    world.dispatch();
    world
}

#[tokio::test]
async fn rule_11_a_kind_that_only_goes_out_is_never_read_into_records() {
    let world = contacts_flow(Direction::ToPlatform).await;
    let strangers = world.crm.import_contacts(people(10..20)).await;
    world.accept(vec![event("prospect.created", "p1", json!({"email": "zoe@exemple.fr", "city": "Lyon"}))]).await;
    world.settle().await;
    let id = world.link("p1").await.external_id.unwrap();
    world.crm.edit_contact(&id, json!({"city": "Paris", "company": "Leur valeur"})).await;

    world.deliver(&[told("propertyChange", &id), told("creation", &strangers[0])]).await;
    world.settle().await;
    let run = world.run_fully().await;
    assert_eq!(run.counts[&RecordKind::Contact].read, 1, "nothing but what is ours");
    assert_eq!((world.records().await.len(), world.value("p1", "city").await.as_str()), (1, "Lyon"));
    assert_eq!(world.value("p1", "company").await, "");
}

#[tokio::test]
async fn rule_11_a_kind_that_only_comes_in_is_never_written() {
    let world = contacts_flow(Direction::FromPlatform).await;
    let ids = world.crm.import_contacts(people(0..3)).await;
    let ours = json!({"email": "p0@exemple.fr", "city": "Lyon"});
    world.accept(vec![event("prospect.created", "p0", ours)]).await;
    world.accept(vec![event("prospect.created", "other", json!({"email": "other@exemple.fr"}))]).await;
    world.take_in().await;
    world.run_fully().await;
    world.deliver(&[told("propertyChange", &ids[0])]).await;
    world.settle().await;
    world.accept(vec![event("prospect.deleted", "p0", json!({}))]).await;
    world.take_in().await;
    world.run_fully().await;

    assert_eq!(world.crm.api_writes().await, Vec::<serde_json::Value>::new());
    assert_eq!((world.crm.contacts().await.len(), world.records().await.len()), (3, 4));
    assert_eq!(world.value("p0", "first_name").await, "Prénom 0");
}

#[tokio::test]
async fn a_full_run_finds_and_mends_what_became_there_of_a_kind_that_only_goes_out() {
    let world = contacts_flow(Direction::ToPlatform).await;
    for n in 0..5 {
        let data = json!({"email": format!("p{n}@exemple.fr"), "city": "Lyon"});
        world.accept(vec![event("prospect.created", &format!("p{n}"), data)]).await;
    }
    world.settle().await;
    let (edited, removed) = (world.link("p1").await.external_id.unwrap(), world.link("p2").await.external_id.unwrap());
    world.crm.edit_contact(&edited, json!({"city": "Paris"})).await;
    world.crm.delete_contact(&removed).await;
    let writes = world.crm.api_writes().await.len();

    let run = world.run_fully().await;
    let counts = run.counts[&RecordKind::Contact];
    assert_eq!((counts.read, counts.changed, counts.gone, counts.owed), (4, 1, 1, 0));
    let contacts = world.crm.contacts().await;
    let cities: Vec<&str> = contacts.values().map(|contact| contact["city"].as_str()).collect();
    assert_eq!(cities, ["Lyon"; 5], "one was written over, and one made again");
    assert_eq!(world.crm.api_writes().await.len(), writes + 2);
    assert_eq!(world.value("p1", "city").await, "Lyon");

    let again = world.run_fully().await.counts[&RecordKind::Contact];
    assert_eq!((again.read, again.changed, again.gone), (5, 0, 0));
    assert_eq!(world.crm.api_writes().await.len(), writes + 2, "there was nothing to do");
}
