//! People who are known by their number alone: recognised in whatever notation it is written, there and here, and never made twice.

use domain::id::RecordId;
use domain::identity::{Identity, Region, Scheme};
use domain::kind::RecordKind;
use domain::mapping::{FieldMapping, Transform};
use persistence::records::identities::{self, IdentityKey};
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
async fn a_mapping_that_recognises_people_by_number_alone_finds_them_whatever_their_address() {
    let world = World::quiet(&[]).await;
    world.crm.faults(prompt()).await;
    world.map(FieldMapping::both("email", "email")).await;
    let theirs = world.crm.add_contact(json!({"email": "ancienne@exemple.fr", "phone": "06 12 34 56 78"})).await;
    world.dispatch();
    let ours = json!({"email": "zoe@exemple.fr", "phone": "+33612345678", "city": "Lyon"});
    world.accept(vec![event("prospect.created", "p1", ours)]).await;
    world.settle().await;
    let (id, contact) = world.crm.only_contact().await;
    assert_eq!((&id, contact["city"].as_str()), (&theirs, "Lyon"));
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

impl World {
    /// The tenant says that it is in Belgium, and everybody has heard of it.
    async fn move_to_belgium(&self) {
        let mut tx = self.begin().await;
        tenants::set_region(&mut tx, self.tenant, Region::BE).await.unwrap();
        tx.commit().await.unwrap();
        self.server.execute("UPDATE tenants SET region_since = now() - interval '1 hour'").await;
    }

    /// Waits until people are recognised by where the tenant is.
    async fn follow(&self) {
        let behind = "SELECT count(*) FROM tenants WHERE identified_in <> ARRAY[region]";
        wait::until("the numbers to be read anew", DEADLINE, || async {
            (self.server.count(behind).await == 0).then_some(())
        })
        .await;
    }

    /// Who is recognised by a number.
    async fn named_by(&self, number: &str) -> Option<RecordId> {
        let identity = Identity { scheme: Scheme::Phone, value: number.to_owned() };
        let key = IdentityKey { kind: RecordKind::Contact, identity };
        identities::find(&mut self.begin().await, self.tenant, &[key].into()).await.unwrap().into_values().next()
    }
}

#[tokio::test]
async fn people_are_recognised_by_their_numbers_as_of_another_country_once_the_tenant_is_there() {
    let world = World::with(&HASTE).await;
    let person = |subject: &str, phone: &str| event("prospect.created", subject, json!({"phone": phone}));
    world.accept(vec![person("p1", "0470 12 34 56"), person("p2", "+33 6 12 34 56 78")]).await;
    world.settle().await;
    let (first, second) = (world.record("p1").await, world.record("p2").await);
    assert_eq!(world.named_by("+33470123456").await, Some(first.id));

    world.move_to_belgium().await;
    world.follow().await;
    let named = (world.named_by("+32470123456").await, world.named_by("+33470123456").await);
    assert_eq!(named, (Some(first.id), None));
    assert_eq!(world.named_by("+33612345678").await, Some(second.id), "that is French wherever the tenant is");
    assert_eq!(world.record("p1").await.version, first.version, "nobody changed anything");
}

#[tokio::test]
async fn two_who_have_one_number_as_of_another_country_are_told_once_the_tenant_is_there() {
    let world = World::with(&HASTE).await;
    let person = |subject: &str, phone: &str| event("prospect.created", subject, json!({"phone": phone}));
    world.accept(vec![person("p1", "0470 12 34 56"), person("p2", "+32 470 12 34 56")]).await;
    world.settle().await;
    let (first, holder) = (world.record("p1").await.id, world.record("p2").await.id);

    world.move_to_belgium().await;
    world.follow().await;
    let told = world.conflicts(first).await;
    let told: Vec<_> = told.iter().map(|kept| (kept.reason.as_str(), kept.record, kept.holder)).collect();
    assert_eq!(told, [("identity", first, Some(holder))]);
    assert_eq!(world.named_by("+32470123456").await, Some(holder), "it stays where it was");
}

#[tokio::test]
async fn a_number_that_its_holder_has_elsewhere_alone_is_that_of_who_claimed_it_too() {
    let world = World::with(&HASTE).await;
    let person = |subject: &str, email: &str, phone: &str| {
        event("prospect.created", subject, json!({"email": email, "phone": phone}))
    };
    world.accept(vec![person("p1", "zoe@exemple.fr", "0470 12 34 56")]).await;
    world.take_in().await;
    world.accept(vec![person("p2", "paul@exemple.fr", "+33 4 70 12 34 56")]).await;
    world.settle().await;
    let (holder, claimant) = (world.record("p1").await.id, world.record("p2").await.id);
    assert_eq!(world.claimed(claimant).await.holder, Some(holder));

    world.move_to_belgium().await;
    world.follow().await;
    let named = (world.named_by("+32470123456").await, world.named_by("+33470123456").await);
    assert_eq!(named, (Some(holder), Some(claimant)));
    world.accept(vec![event("prospect.created", "p3", json!({"phone": "+33470123456"}))]).await;
    world.take_in().await;
    assert_eq!(world.record("p3").await.id, claimant, "whoever calls from there is known");
}

#[tokio::test]
async fn what_is_overdue_does_not_wait_for_numbers_that_are_being_read_anew() {
    let world = World::with(&HASTE).await;
    world.accept(vec![event("prospect.created", "p1", json!({"phone": "0470 12 34 56"}))]).await;
    world.settle().await;
    let held = world.hold_records().await;
    world.move_to_belgium().await;
    // Whoever walks through the numbers.
    world.is_held_up().await;
    let of = format!("integration_id = '{}'", world.integration);
    let lost = format!(
        "UPDATE record_links SET remote_seq = remote_seq + 1, announced_at = now() - interval '1 hour' WHERE {of}"
    );
    world.server.execute(&lost).await;
    let overdue =
        format!("SELECT count(*) FROM record_links WHERE {of} AND announced_at < now() - interval '1 minute'");
    wait::until("what was lost to be announced", DEADLINE, || async {
        (world.server.count(&overdue).await == 0).then_some(())
    })
    .await;
    held.commit().await.unwrap();
    world.follow().await;
}
