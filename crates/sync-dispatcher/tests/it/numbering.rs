//! People who are known by their number alone: recognised in whatever notation it is written, there and here, and never made twice.

use domain::identity::Region;
use domain::kind::RecordKind;
use domain::mapping::{FieldMapping, Transform};
use persistence::{mappings, tenants};
use serde_json::json;
use testkit::wait;

use crate::crm::told;
use crate::running::prompt;
use crate::world::{DEADLINE, HASTE, World, event};

#[tokio::test]
async fn rule_05_a_caller_without_an_address_is_recognised_by_the_number_in_the_crm() {
    let world = World::quiet(&[]).await;
    world.crm.faults(prompt()).await;
    let theirs = world.crm.add_contact(json!({"phone": "06 12 34 56 78", "lastname": "Martin"})).await;
    world.dispatch();
    world.accept(vec![event("prospect.created", "p1", json!({"phone": "+33612345678", "city": "Lyon"}))]).await;
    world.settle().await;
    let (id, contact) = world.crm.only_contact().await;
    assert_eq!((&id, contact["city"].as_str(), contact["phone"].as_str()), (&theirs, "Lyon", "06 12 34 56 78"));
    assert_eq!(world.value("p1", "last_name").await, "Martin");

    // By its number it is changed as any other.
    world.accept(vec![event("prospect.updated", "p1", json!({"phone": "07 00 00 00 01"}))]).await;
    world.settle().await;
    assert_eq!(world.crm.only_contact().await.1["phone"], "07 00 00 00 01");
}

#[tokio::test]
async fn rule_06_a_contact_of_the_crm_without_an_address_is_the_caller_of_that_number() {
    let world = World::start().await;
    let theirs = world.crm.add_contact(json!({"phone": "+33 6 99 88 77 66", "lastname": "Petit"})).await;
    world.deliver(&[told("creation", &theirs)]).await;
    world.settle().await;
    world.accept(vec![event("prospect.created", "p1", json!({"phone": "0699887766", "city": "Brest"}))]).await;
    world.settle().await;
    assert_eq!((world.value("p1", "last_name").await.as_str(), world.records().await.len()), ("Petit", 1));
    let (id, contact) = world.crm.only_contact().await;
    assert_eq!((id, contact["city"].as_str(), world.crm.duplicates().await), (theirs, "Brest", 0));
}

#[tokio::test]
async fn a_national_number_is_one_of_the_tenants_country_in_the_merge_and_on_its_way_out() {
    let world = World::quiet(&[]).await;
    let whose = (world.tenant, world.integration);
    let mut tx = world.begin().await;
    tenants::set_region(&mut tx, world.tenant, Region::BE).await.unwrap();
    let mapping = mappings::get(&mut tx, whose.0, whose.1, RecordKind::Contact).await.unwrap().unwrap();
    let fields = mapping.fields.into_iter().map(|field| {
        let is_number = field.local.as_str() == "phone";
        if is_number { field.with(Transform::E164) } else { field }
    });
    mappings::replace(&mut tx, whose, RecordKind::Contact, &fields.collect::<Vec<_>>()).await.unwrap();
    tx.commit().await.unwrap();
    world.dispatch();
    // In France, the same digits are another number.
    world.accept(vec![event("prospect.created", "p1", json!({"phone": "+32470123456", "first_name": "Zoé"}))]).await;
    world
        .accept(vec![event("prospect.created", "p2", json!({"phone": "0470 12 34 56", "last_name": "Peeters"}))])
        .await;
    world.settle().await;
    assert_eq!(world.record("p1").await.id, world.record("p2").await.id);
    let (_, contact) = world.crm.only_contact().await;
    assert_eq!((contact["lastname"].as_str(), contact["phone"].as_str()), ("Peeters", "+32470123456"));
}

#[tokio::test]
async fn a_national_number_in_the_crm_is_one_of_the_tenants_country() {
    let world = World::quiet(&[]).await;
    world.crm.faults(prompt()).await;
    let mut tx = world.begin().await;
    tenants::set_region(&mut tx, world.tenant, Region::BE).await.unwrap();
    tx.commit().await.unwrap();
    let theirs = world.crm.add_contact(json!({"phone": "0470 12 34 56", "lastname": "Peeters"})).await;
    world.dispatch();
    world.accept(vec![event("prospect.created", "p1", json!({"phone": "+32470123456", "city": "Gand"}))]).await;
    world.settle().await;
    let (id, contact) = world.crm.only_contact().await;
    assert_eq!((&id, contact["city"].as_str()), (&theirs, "Gand"));
}

#[tokio::test]
async fn what_a_mapping_made_of_a_national_number_is_written_again_where_the_tenant_is_in_another_country() {
    let world = World::with(&HASTE).await;
    world.map(FieldMapping::both("phone", "phone").with(Transform::E164)).await;
    let person = json!({"email": "zoe@exemple.fr", "phone": "0470 12 34 56"});
    world.accept(vec![event("prospect.created", "p1", person)]).await;
    world.settle().await;
    assert_eq!(world.crm.only_contact().await.1["phone"], "+33470123456");

    let mut tx = world.begin().await;
    tenants::set_region(&mut tx, world.tenant, Region::BE).await.unwrap();
    tx.commit().await.unwrap();
    wait::until("the number to be written again", DEADLINE, || async {
        let (_, contact) = world.crm.only_contact().await;
        if contact["phone"] == "+32470123456" { Ok(()) } else { Err(contact) }
    })
    .await;
    assert_eq!(world.value("p1", "phone").await, "0470 12 34 56", "nobody changed it");
}
