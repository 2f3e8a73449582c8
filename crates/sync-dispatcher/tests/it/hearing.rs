//! What is in the CRM already, and what people change there: adopted, read, merged, and not sent back.

use serde_json::json;

use domain::outcome::SyncType;

use crate::crm::told;
use crate::world::{World, event};

#[tokio::test]
async fn rule_05_a_contact_that_is_there_already_is_adopted_and_keeps_its_values() {
    let world = World::start().await;
    let theirs = json!({"email": "zoe@exemple.fr", "firstname": "Zoë", "company": "Fleurs SA"});
    let id = world.crm.add_contact(theirs).await;
    let ours = json!({"email": "Zoe@exemple.fr", "first_name": "Zoé", "last_name": "Martin", "city": "Lyon"});
    world.accept(vec![event("prospect.created", "p1", ours)]).await;
    world.settle().await;

    let (found, contact) = world.crm.only_contact().await;
    assert_eq!(found, id);
    assert_eq!((contact["firstname"].as_str(), contact["company"].as_str()), ("Zoë", "Fleurs SA"));
    assert_eq!((contact["lastname"].as_str(), contact["city"].as_str()), ("Martin", "Lyon"));
    assert_eq!(world.value("p1", "first_name").await, "Zoë");
    assert_eq!(world.value("p1", "company").await, "Fleurs SA");
    assert_eq!(world.link("p1").await.external_id, Some(id));
    let lost = world.conflicts(world.record("p1").await.id).await;
    let lost_name = lost.iter().find(|kept| kept.field == "first_name").unwrap();
    assert_eq!((lost_name.reason.as_str(), &lost_name.lost["v"]), ("adopted", &json!("Zoé")));
    world.outcome("the adoption in the log", |outcome| outcome.sync_type == SyncType::Adopt).await;
}

#[tokio::test]
async fn rule_05_who_is_known_by_id_is_written_by_it_whoever_has_the_address_by_now() {
    let world = World::start().await;
    world.accept(vec![event("prospect.created", "p1", json!({"email": "zoe@exemple.fr"}))]).await;
    world.settle().await;
    let (id, _) = world.crm.only_contact().await;
    // Nobody tells us of either.
    world.crm.edit_contact(&id, json!({"email": "z.martin@exemple.fr"})).await;
    let other = world.crm.add_contact(json!({"email": "zoe@exemple.fr"})).await;
    world.accept(vec![event("prospect.updated", "p1", json!({"city": "Lyon"}))]).await;
    world.settle().await;
    let contacts = world.crm.contacts().await;
    assert_eq!(contacts.len(), 2, "{contacts:?}");
    assert_eq!(contacts[&id]["city"], "Lyon");
    assert!(!contacts[&other].contains_key("city"), "{contacts:?}");
}

#[tokio::test]
async fn a_change_made_in_the_crm_is_merged_and_not_sent_back() {
    let world = World::start().await;
    let old = json!({"email": "zoe@exemple.fr", "company": "Ancienne", "city": "Lyon"});
    world.accept(vec![event("prospect.created", "p1", old.clone())]).await;
    world.settle().await;
    let (id, _) = world.crm.only_contact().await;
    let before = world.crm.api_writes().await.len();

    world.crm.edit_contact(&id, json!({"company": "Nouvelle"})).await;
    world.deliver(&[told("propertyChange", &id)]).await;
    world.settle().await;
    assert_eq!(world.value("p1", "company").await, "Nouvelle");
    assert_eq!(world.crm.api_writes().await.len(), before, "{:#?}", world.crm.api_writes().await);

    // The backend sends the whole object again, with the value that it never learnt is old.
    let mut again = old;
    again["city"] = "Paris".into();
    world.accept(vec![event("prospect.updated", "p1", again)]).await;
    world.settle().await;
    let (_, contact) = world.crm.only_contact().await;
    assert_eq!((contact["company"].as_str(), contact["city"].as_str()), ("Nouvelle", "Paris"));
    assert_eq!(world.value("p1", "company").await, "Nouvelle");
}

#[tokio::test]
async fn a_value_cleared_in_the_crm_is_cleared_here() {
    let world = World::start().await;
    let data = json!({"email": "zoe@exemple.fr", "company": "Fleurs SA"});
    world.accept(vec![event("prospect.created", "p1", data)]).await;
    world.settle().await;
    let (id, _) = world.crm.only_contact().await;

    world.crm.edit_contact(&id, json!({"company": ""})).await;
    world.deliver(&[told("propertyChange", &id)]).await;
    world.settle().await;
    assert_eq!(world.value("p1", "company").await, "");
    assert!(!world.crm.only_contact().await.1.contains_key("company"));
}

#[tokio::test]
async fn a_contact_born_in_the_crm_becomes_a_record_that_a_prospect_then_joins() {
    let world = World::start().await;
    let id = world.crm.add_contact(json!({"email": "paul@exemple.fr", "firstname": "Paul"})).await;
    world.deliver(&[told("creation", &id), told("propertyChange", &id)]).await;
    world.settle().await;

    let records = world.records().await;
    assert_eq!(records.len(), 1);
    assert_eq!(crate::state::text(&records[0], "first_name"), "Paul");

    let data = json!({"email": "paul@exemple.fr", "city": "Nantes"});
    world.accept(vec![event("prospect.created", "p1", data)]).await;
    world.settle().await;
    assert_eq!(world.record("p1").await.id, records[0].id);
    let (found, contact) = world.crm.only_contact().await;
    assert_eq!((found, contact["city"].as_str()), (id, "Nantes"));
}

#[tokio::test]
async fn a_delivery_for_an_account_that_nobody_connected_changes_nothing() {
    let world = World::start().await;
    let mut change = told("creation", "77");
    change["portalId"] = 1.into();
    world.deliver(&[change]).await;
    world.settle().await;
    assert!(world.records().await.is_empty());
}

#[tokio::test]
async fn rule_03_what_the_platform_makes_of_our_values_is_not_news() {
    let world = World::start().await;
    world.crm.faults(json!({"reformat_phones": true, "truncate": {"jobtitle": 10}})).await;
    let title = "Directrice des ventes et du marketing";
    let data = json!({"email": "zoe@exemple.fr", "phone": "0612345678", "job_title": title});
    world.accept(vec![event("prospect.created", "p1", data)]).await;
    world.settle().await;
    let (id, contact) = world.crm.only_contact().await;
    assert_eq!((contact["phone"].as_str(), contact["jobtitle"].as_str()), ("+33 6 12 34 56 78", "Directrice"));
    let writes = world.crm.api_writes().await.len();

    for n in 0..3 {
        // HubSpot tells us of our own write, and of an edit that has nothing to do with it.
        world.crm.edit_contact(&id, json!({"city": format!("Ville {n}")})).await;
        world.deliver(&[told("propertyChange", &id), told("creation", &id)]).await;
        world.settle().await;
    }
    assert_eq!(world.crm.api_writes().await.len(), writes, "{:#?}", world.crm.api_writes().await);
    assert_eq!(world.value("p1", "job_title").await, title);
    assert_eq!(world.value("p1", "phone").await, "0612345678");
    assert_eq!(world.value("p1", "city").await, "Ville 2");
}

#[tokio::test]
async fn rule_03_a_truncated_value_of_an_adopted_contact_does_not_shorten_ours() {
    let world = World::start().await;
    world.crm.faults(json!({"reformat_phones": true, "truncate": {"jobtitle": 10}})).await;
    world.crm.add_contact(json!({"email": "zoe@exemple.fr", "firstname": "Zoë"})).await;
    let title = "Directrice des ventes et du marketing";
    let data = json!({"email": "zoe@exemple.fr", "phone": "0612345678", "job_title": title});
    world.accept(vec![event("prospect.created", "p1", data)]).await;
    world.settle().await;
    let (id, _) = world.crm.only_contact().await;
    let writes = world.crm.api_writes().await.len();

    world.deliver(&[told("propertyChange", &id)]).await;
    world.settle().await;
    assert_eq!(world.value("p1", "job_title").await, title);
    assert_eq!(world.value("p1", "phone").await, "0612345678");
    assert_eq!(world.crm.api_writes().await.len(), writes);
}
