//! What two systems disagree about, and what people decide of it.

use std::collections::BTreeSet;

use domain::field::FieldName;
use domain::id::{ConflictId, RecordId};
use domain::identity::{Identity, Scheme};
use domain::kind::RecordKind;
use domain::message::{Amended, RecordAmend};
use domain::policy::ConflictPolicy;
use messaging::Context;
use persistence::policies;
use persistence::records::conflicts::{self, Decided, Decision, Kept};
use persistence::records::identities::{self, IdentityKey};
use persistence::records::{joining, store};
use serde_json::{Value, json};
use testkit::wait;

use crate::crm::told;
use crate::world::{DEADLINE, World, event, event_at};

impl World {
    /// Decides as the gateway does, and waits until the records have followed.
    async fn decide(&self, conflict: ConflictId, decision: Decision) {
        let mut tx = self.begin().await;
        let decided = conflicts::decide(&mut tx, self.tenant, conflict, decision).await.unwrap();
        assert!(matches!(decided, Decided::So(_)), "{decided:?}");
        tx.commit().await.unwrap();
        let message = RecordAmend { tenant_id: self.tenant, subject: Amended::Conflict(conflict) };
        // Told twice, it is done once.
        for _ in 0..2 {
            self.broker.publish(&message, &Context::new()).await.unwrap();
        }
        wait::until("the records to follow", DEADLINE, || async {
            let mut tx = self.begin().await;
            let left = conflicts::take(&mut tx, self.tenant, conflict).await.unwrap();
            left.map_or(Ok(()), Err)
        })
        .await;
    }

    async fn believe(&self, rules: Value) {
        let policy: ConflictPolicy = serde_json::from_value(json!({ "rules": rules })).unwrap();
        let mut tx = self.begin().await;
        policies::set(&mut tx, self.tenant, &policy).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// What a record lost, as `reason: value`, the oldest first.
    async fn history(&self, record: RecordId) -> Vec<String> {
        let lost = self.lost(record).await;
        let told = |kept: &Kept| format!("{}: {}", kept.reason, kept.lost["v"].as_str().unwrap_or("?"));
        lost.iter().rev().filter(|kept| kept.reason != "identity").map(told).collect()
    }

    /// The open conflict about an identifier, once there is one.
    pub(crate) async fn claimed(&self, record: RecordId) -> Kept {
        wait::until("a conflict about an identifier", DEADLINE, || async {
            let found = self.conflicts(record).await;
            found.iter().find(|kept| kept.reason == "identity" && kept.decision.is_none()).cloned().ok_or(found)
        })
        .await
    }
}

#[tokio::test]
async fn a_restored_value_stands_and_travels_to_the_platform_that_had_overruled_it() {
    let world = World::start().await;
    let id = world.crm.add_contact(json!({"email": "zoe@exemple.fr", "company": "Fleurs SA"})).await;
    let ours = json!({"email": "zoe@exemple.fr", "company": "Fleurs et fils"});
    world.accept(vec![event("prospect.created", "p1", ours)]).await;
    world.settle().await;
    let record = world.record("p1").await.id;
    assert_eq!(world.value("p1", "company").await, "Fleurs SA");
    let lost = world.conflicts(record).await;
    let company = lost.iter().find(|kept| kept.field == "company").unwrap();
    assert_eq!(company.kept.as_ref().unwrap().value.as_text(), Some("Fleurs SA"));

    world.decide(company.id, Decision::Restore).await;
    world.settle().await;
    assert_eq!(world.value("p1", "company").await, "Fleurs et fils");
    assert_eq!(world.crm.contacts().await[&id]["company"], "Fleurs et fils");
    assert_eq!(world.history(record).await, ["adopted: Fleurs et fils", "replaced: Fleurs SA"]);
}

#[tokio::test]
async fn a_change_of_what_was_known_is_history_and_one_of_what_was_not_is_a_conflict() {
    let world = World::start().await;
    let data = json!({"email": "zoe@exemple.fr", "company": "Une", "phone": "06 12 34 56 78"});
    world.accept(vec![event("prospect.created", "p1", data)]).await;
    world.settle().await;
    let (id, record) = (world.crm.only_contact().await.0, world.record("p1").await.id);
    // The CRM changes what we wrote there.
    world.crm.edit_contact(&id, json!({"company": "Deux"})).await;
    world.deliver(&[told("propertyChange", &id)]).await;
    world.settle().await;
    // The backend, which never heard of it, changes what it had sent itself.
    world.accept(vec![event("prospect.updated", "p1", json!({"company": "Trois"}))]).await;
    world.settle().await;
    assert_eq!(world.history(record).await, ["replaced: Une", "overruled: Deux"]);
    assert_eq!(world.crm.contacts().await[&id]["company"], "Trois");
}

#[tokio::test]
async fn who_is_believed_more_stands_whoever_came_last_and_a_changed_mind_is_followed() {
    let world = World::start().await;
    world.believe(json!([{"kind": "contact", "field": "company", "ranking": ["coccinelle", "hubspot"]}])).await;
    let data = json!({"email": "zoe@exemple.fr", "company": "La nôtre", "city": "Lyon"});
    world.accept(vec![event("prospect.created", "p1", data)]).await;
    world.settle().await;
    let (id, record) = (world.crm.only_contact().await.0, world.record("p1").await.id);

    world.crm.edit_contact(&id, json!({"company": "La leur", "city": "Paris"})).await;
    world.deliver(&[told("propertyChange", &id)]).await;
    world.settle().await;
    assert_eq!(world.value("p1", "company").await, "La nôtre");
    assert_eq!(world.value("p1", "city").await, "Paris");
    assert_eq!(world.crm.contacts().await[&id]["company"], "La nôtre");
    let lost: BTreeSet<_> = world.history(record).await.into_iter().collect();
    assert_eq!(lost, ["overruled: La leur", "replaced: Lyon"].map(str::to_owned).into());

    // Without the rule, the old ranks bind nobody.
    world.believe(json!([])).await;
    wait::until("the changed policy to be followed", DEADLINE, || async {
        world.crm.edit_contact(&id, json!({"company": format!("La leur, {}", ConflictId::new())})).await;
        world.deliver(&[told("propertyChange", &id)]).await;
        world.settle().await;
        let company = world.value("p1", "company").await;
        if company.starts_with("La leur") { Ok(()) } else { Err(company) }
    })
    .await;
}

/// Two prospects with records and contacts of their own, of which the second comes to have the first's address.
pub(crate) async fn two_who_claim_one_address(world: &World) -> (RecordId, RecordId) {
    let first = json!({"email": "zoe@exemple.fr", "first_name": "Zoé", "company": "Fleurs SA"});
    let second = json!({"email": "z.martin@exemple.fr", "last_name": "Martin", "city": "Lyon"});
    world.accept(vec![event("prospect.created", "p1", first)]).await;
    world.take_in().await;
    world.accept(vec![event("prospect.created", "p2", second)]).await;
    world.accept(vec![event("appointment.created", "a2", json!({"prospect_id": "p2", "title": "Visite"}))]).await;
    world.settle().await;
    let records = (world.record("p1").await.id, world.record("p2").await.id);
    world.accept(vec![event("prospect.updated", "p2", json!({"email": "zoe@exemple.fr"}))]).await;
    world.take_in().await;
    records
}

#[tokio::test]
async fn rule_06_a_later_change_of_an_address_joins_nobody_until_somebody_says_so() {
    let world = World::start().await;
    let (first, second) = two_who_claim_one_address(&world).await;
    let conflict = world.claimed(second).await;
    assert_eq!((conflict.field.as_str(), conflict.holder), ("email", Some(first)));
    assert_ne!(world.record("p1").await.id, world.record("p2").await.id);

    world.decide(conflict.id, Decision::Merge).await;
    let one = world.record("p1").await;
    assert_eq!(one, world.record("p2").await);
    assert_eq!(one.id, first, "the one that was there first");
    let mut tx = world.begin().await;
    assert_eq!(joining::resolve(&mut tx, world.tenant, second).await.unwrap(), Some(first));
    assert!(store::get(&mut tx, world.tenant, second).await.unwrap().is_none());
    tx.commit().await.unwrap();
    let fields = |name: &str| one.fields.value(name).and_then(|value| value.as_text()).unwrap_or("-").to_owned();
    assert_eq!(
        ["first_name", "last_name", "company", "city", "email"].map(fields),
        ["Zoé", "Martin", "Fleurs SA", "Lyon", "zoe@exemple.fr"]
    );

    // The appointment followed; the contact that was given up is left alone, and noted.
    world.settle().await;
    let kept = world.link("p1").await.external_id.unwrap();
    let contacts = world.crm.contacts().await;
    assert_eq!(contacts.len(), 2);
    assert_eq!((contacts[&kept]["lastname"].as_str(), contacts[&kept]["city"].as_str()), ("Martin", "Lyon"));
    let other = contacts.keys().find(|id| **id != kept).unwrap();
    assert!(world.history(first).await.contains(&format!("unlinked: {other}")));
    let deal = world.crm.live("deals").await.into_keys().next().unwrap();
    assert_eq!(world.crm.standing_ties("deals").await, BTreeSet::from([(deal, kept)]));

    // Events of either subject find the one record.
    world.accept(vec![event("prospect.updated", "p2", json!({"job_title": "Gérante"}))]).await;
    world.accept(vec![event("prospect.updated", "p1", json!({"city": "Paris"}))]).await;
    world.settle().await;
    assert_eq!([world.value("p1", "job_title").await, world.value("p2", "city").await], ["Gérante", "Paris"]);
}

#[tokio::test]
async fn what_was_lost_when_two_became_one_can_be_restored() {
    let world = World::start().await;
    let (first, second) = two_who_claim_one_address(&world).await;
    world.accept(vec![event("prospect.updated", "p1", json!({"city": "Nîmes"}))]).await;
    world.take_in().await;
    let conflict = world.claimed(second).await;
    world.decide(conflict.id, Decision::Merge).await;
    assert_eq!(world.value("p1", "city").await, "Nîmes");
    let lost = world.lost(first).await;
    let lyon = lost.iter().find(|kept| kept.lost["v"] == "Lyon").unwrap();
    assert_eq!(lyon.reason, "replaced");

    world.decide(lyon.id, Decision::Restore).await;
    world.settle().await;
    assert_eq!(world.value("p2", "city").await, "Lyon");
    let there = world.link("p1").await.external_id.unwrap();
    assert_eq!(world.crm.contacts().await[&there]["city"], "Lyon");
}

#[tokio::test]
async fn two_who_are_kept_apart_are_not_asked_about_again() {
    let world = World::start().await;
    let (first, second) = two_who_claim_one_address(&world).await;
    let conflict = world.claimed(second).await;
    world.decide(conflict.id, Decision::KeepApart).await;
    world.accept(vec![event("prospect.updated", "p2", json!({"email": "z.martin@exemple.fr"}))]).await;
    world.accept(vec![event("prospect.updated", "p1", json!({"phone": "06 12 34 56 78"}))]).await;
    world
        .accept(vec![event("prospect.updated", "p2", json!({"phone": "06 12 34 56 78", "email": "zoe@exemple.fr"}))])
        .await;
    world.take_in().await;
    for record in [first, second] {
        let about: Vec<_> =
            world.conflicts(record).await.into_iter().filter(|kept| kept.reason == "identity").collect();
        assert!(about.iter().all(|kept| kept.decision.is_some()), "{about:?}");
    }
    assert_ne!(world.record("p1").await.id, world.record("p2").await.id);
}

#[tokio::test]
async fn two_contacts_of_one_delivery_with_one_address_are_a_conflict_too() {
    let world = World::start().await;
    let mut ids = Vec::new();
    for n in ["un", "deux"] {
        ids.push(world.crm.add_contact(json!({"email": format!("{n}@exemple.fr"), "firstname": n})).await);
    }
    world.deliver(&ids.iter().map(|id| told("creation", id)).collect::<Vec<_>>()).await;
    world.settle().await;
    let records = world.records().await;
    assert_eq!(records.len(), 2);
    for id in &ids {
        world.crm.edit_contact(id, json!({"phone": "+33612345678"})).await;
    }
    world.deliver(&ids.iter().map(|id| told("propertyChange", id)).collect::<Vec<_>>()).await;
    world.settle().await;
    let mut found = Vec::new();
    for record in &records {
        found.extend(world.conflicts(record.id).await.into_iter().filter(|kept| kept.reason == "identity"));
    }
    assert_eq!(found.iter().filter(|kept| kept.field == Scheme::Phone.as_str()).count(), 2, "seen from both sides");
    let held: BTreeSet<_> = found.iter().map(|kept| kept.id).collect();
    assert_eq!(held.len(), 1, "and one all the same");
}

#[tokio::test]
async fn a_value_that_came_late_is_kept_in_the_history() {
    let world = World::start().await;
    let now = domain::time::Timestamp::now();
    let before = domain::time::Timestamp::from_millis(now.as_millis() - 60_000).unwrap();
    world
        .accept(vec![event_at("prospect.created", "p1", json!({"email": "zoe@exemple.fr", "city": "Lyon"}), now)])
        .await;
    world.take_in().await;
    for _ in 0..2 {
        world.accept(vec![event_at("prospect.updated", "p1", json!({"city": "Paris"}), before)]).await;
    }
    world.settle().await;
    assert_eq!(world.value("p1", "city").await, "Lyon");
    assert_eq!(world.history(world.record("p1").await.id).await, ["replaced: Paris"]);
    let key = IdentityKey { kind: RecordKind::Contact, identity: Identity::coccinelle("p1") };
    assert_eq!(identities::find(&mut world.begin().await, world.tenant, &[key].into()).await.unwrap().len(), 1);
    assert!(world.record("p1").await.fields.get(FieldName::DELETED).is_some());
}
