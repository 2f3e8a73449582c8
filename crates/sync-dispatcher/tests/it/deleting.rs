//! Deletions: made in Coccinelle, made in the CRM, claimed by a message, and taken back.

use std::time::Duration;

use serde_json::json;
use testkit::wait;

use crate::crm::told;
use crate::scheduling::undisturbed;
use crate::world::{DEADLINE, Shape, World, event, event_at};
use domain::kind::RecordKind;
use domain::policy::{Carried, ConflictPolicy, DeletionRule, Vanished};
use domain::time::Timestamp;

/// Another account of the tenant.
const OTHER: u64 = 4343;

#[tokio::test]
async fn rule_10_a_deleted_prospect_is_archived_and_only_a_new_create_revives_it() {
    let world = World::start().await;
    let data = json!({"email": "zoe@exemple.fr", "company": "Fleurs SA"});
    let before = Timestamp::now();
    world.accept(vec![event("prospect.created", "p1", data.clone())]).await;
    world.settle().await;
    let (first, _) = world.crm.only_contact().await;

    world.accept(vec![event("prospect.deleted", "p1", json!({}))]).await;
    world.settle().await;
    assert!(world.crm.contacts().await.is_empty());

    // One that was under way when the prospect was deleted, and one that came after.
    world.accept(vec![event_at("prospect.updated", "p1", json!({"city": "Lyon"}), before)]).await;
    world.accept(vec![event("prospect.updated", "p1", json!({"company": "Nouvelle"}))]).await;
    world.accept(vec![event_at("prospect.created", "p1", data.clone(), before)]).await;
    world.settle().await;
    assert!(world.crm.contacts().await.is_empty());
    assert!(world.record("p1").await.fields.is_deleted());

    world.accept(vec![event("prospect.created", "p1", data)]).await;
    world.settle().await;
    let (second, contact) = world.crm.only_contact().await;
    assert_ne!(second, first);
    assert_eq!((contact["email"].as_str(), contact["city"].as_str()), ("zoe@exemple.fr", "Lyon"));
}

#[tokio::test]
async fn a_contact_deleted_in_the_crm_is_deleted_here_and_not_made_again() {
    let world = World::start().await;
    world.accept(vec![event("prospect.created", "p1", json!({"email": "zoe@exemple.fr"}))]).await;
    world.settle().await;
    let (id, _) = world.crm.only_contact().await;

    world.crm.delete_contact(&id).await;
    world.deliver(&[told("deletion", &id)]).await;
    world.settle().await;
    assert!(world.record("p1").await.fields.is_deleted());

    world.accept(vec![event("prospect.updated", "p1", json!({"city": "Lyon"}))]).await;
    world.settle().await;
    assert!(world.crm.contacts().await.is_empty());
}

#[tokio::test]
async fn rule_10_a_deletion_that_is_only_claimed_changes_nothing() {
    let world = World::start().await;
    world.accept(vec![event("prospect.created", "p1", json!({"email": "zoe@exemple.fr"}))]).await;
    world.settle().await;
    let (id, _) = world.crm.only_contact().await;

    world.deliver(&[told("deletion", &id), told("deletion", "999999")]).await;
    world.settle().await;
    assert!(!world.record("p1").await.fields.is_deleted());
    assert_eq!(world.link("p1").await.external_id, Some(id));
    assert_eq!(world.records().await.len(), 1);
}

#[tokio::test]
async fn a_contact_that_vanished_unheard_of_is_noticed_by_the_next_write() {
    let world = World::start().await;
    world.accept(vec![event("prospect.created", "p1", json!({"email": "zoe@exemple.fr"}))]).await;
    world.settle().await;
    let (id, _) = world.crm.only_contact().await;

    world.crm.delete_contact(&id).await;
    world.accept(vec![event("prospect.updated", "p1", json!({"city": "Lyon"}))]).await;
    world.settle().await;
    assert!(world.record("p1").await.fields.is_deleted());
    assert!(world.crm.contacts().await.is_empty());
    assert!(world.failures().await.is_empty(), "{:#?}", world.failures().await);
}

#[tokio::test]
async fn what_the_crm_tells_of_our_own_deletion_settles() {
    let world = World::start().await;
    world.accept(vec![event("prospect.created", "p1", json!({"email": "zoe@exemple.fr"}))]).await;
    world.settle().await;
    let (id, _) = world.crm.only_contact().await;
    world.accept(vec![event("prospect.deleted", "p1", json!({}))]).await;
    world.settle().await;

    let writes = world.crm.api_writes().await.len();
    world.deliver(&[told("deletion", &id)]).await;
    world.settle().await;
    assert_eq!((world.drift().await, world.crm.api_writes().await.len()), (0, writes));
}

#[tokio::test]
async fn a_person_who_was_created_twice_is_deleted_with_the_last_of_both() {
    let world = World::start().await;
    let data = json!({"email": "zoe@exemple.fr"});
    world.accept(vec![event("prospect.created", "p1", data.clone()), event("prospect.created", "p2", data)]).await;
    world.settle().await;
    world.accept(vec![event("prospect.deleted", "p2", json!({}))]).await;
    world.settle().await;
    assert_eq!(world.crm.contacts().await.len(), 1);

    world.accept(vec![event("prospect.deleted", "p1", json!({}))]).await;
    world.settle().await;
    assert!(world.crm.contacts().await.is_empty());
}

#[tokio::test]
async fn a_create_that_is_told_again_does_not_hide_that_one_of_two_subjects_is_deleted() {
    let world = World::start().await;
    let person = |subject: &str| event("prospect.created", subject, json!({"email": "zoe@exemple.fr"}));
    let (first, second) = (person("p1"), person("p2"));
    world.accept(vec![first.clone(), second]).await;
    world.settle().await;
    world.accept(vec![event("prospect.deleted", "p1", json!({}))]).await;
    world.accept(vec![first]).await;
    world.accept(vec![event("prospect.deleted", "p2", json!({}))]).await;
    world.settle().await;
    assert!(world.crm.contacts().await.is_empty());
}

#[tokio::test]
async fn a_create_sent_again_by_a_clock_that_runs_ahead_revives_nobody() {
    let world = World::start().await;
    let ahead = Timestamp::now().plus(Duration::from_secs(3_600));
    let created = event_at("prospect.created", "p1", json!({"email": "zoe@exemple.fr", "city": "Lyon"}), ahead);
    world.accept(vec![created.clone()]).await;
    world.settle().await;
    world.accept(vec![event_at("prospect.deleted", "p1", json!({}), ahead.next())]).await;
    world.settle().await;
    assert!(world.crm.contacts().await.is_empty());

    for _ in 0..2 {
        world.accept(vec![created.clone()]).await;
    }
    world.settle().await;
    assert!(world.record("p1").await.fields.is_deleted());
    assert!(world.crm.contacts().await.is_empty());

    // Another event is another matter.
    world.accept(vec![event_at("prospect.created", "p1", json!({"email": "zoe@exemple.fr"}), ahead)]).await;
    world.settle().await;
    assert_eq!(world.crm.contacts().await.len(), 1);
}

#[tokio::test]
async fn nor_does_one_that_is_sent_again_when_its_own_time_has_come() {
    let world = World::start().await;
    let ahead = Timestamp::now().plus(Duration::from_secs(3));
    let created = event_at("prospect.created", "p1", json!({"email": "zoe@exemple.fr"}), ahead);
    world.accept(vec![created.clone()]).await;
    world.accept(vec![event("prospect.deleted", "p1", json!({}))]).await;
    wait::until("the event's own time", DEADLINE, || async { (Timestamp::now() > ahead).then_some(()) }).await;
    world.accept(vec![created]).await;
    world.settle().await;
    assert!(world.record("p1").await.fields.is_deleted());
}

impl World {
    /// The tenant says whose deletions of contacts are carried on.
    pub(crate) async fn carry(&self, carried: Carried) {
        self.rule(DeletionRule { kind: RecordKind::Contact, carried, vanished: Vanished::default() }).await;
    }

    /// The tenant says what follows from deletions of a kind.
    pub(crate) async fn rule(&self, rule: DeletionRule) {
        let deletions = vec![rule];
        let policy = ConflictPolicy { deletions, ..ConflictPolicy::default() };
        let mut tx = self.begin().await;
        persistence::policies::set(&mut tx, self.tenant, &policy).await.unwrap();
        tx.commit().await.unwrap();
    }
}

/// Somebody deletes in one of two accounts; gives how many contacts the other one has then.
async fn deleted_in_one_of_two(carried: Carried) -> usize {
    let world = World::quiet(&[]).await;
    world.carry(carried).await;
    let (other, crm) = (undisturbed(), world.crm.another(OTHER));
    world.connect_account((world.tenant, other), OTHER, Shape::default()).await;
    world.dispatch();
    world.accept(vec![event("prospect.created", "p1", json!({"email": "zoe@exemple.fr"}))]).await;
    world.settle().await;
    wait::until("the contact in both accounts", DEADLINE, || async { (crm.contacts().await.len() == 1).then_some(()) })
        .await;
    let (id, _) = world.crm.only_contact().await;
    world.crm.delete_contact(&id).await;
    world.deliver(&[told("deletion", &id)]).await;
    wait::until("all to be in step", DEADLINE, || async {
        let is_deleted = world.record("p1").await.fields.is_deleted();
        // Asked afterwards: what follows from the deletion is owed by then.
        let mut tx = world.begin().await;
        let owed = persistence::records::links::drift(&mut tx, world.tenant, other).await.unwrap();
        (is_deleted && owed == 0).then_some(())
    })
    .await;
    world.settle().await;
    crm.contacts().await.len()
}

#[tokio::test]
async fn what_one_platform_deletes_stays_on_the_others_unless_the_tenant_wishes_otherwise() {
    assert_eq!(deleted_in_one_of_two(Carried::Coccinelles).await, 1);
    assert_eq!(deleted_in_one_of_two(Carried::Everybodys).await, 0);
}

#[tokio::test]
async fn where_nobodys_deletions_are_carried_a_deleted_prospect_stays_in_the_crm() {
    let world = World::quiet(&[]).await;
    world.carry(Carried::Nobodys).await;
    world.dispatch();
    world.accept(vec![event("prospect.created", "p1", json!({"email": "zoe@exemple.fr"}))]).await;
    world.settle().await;
    world.accept(vec![event("prospect.deleted", "p1", json!({}))]).await;
    world.settle().await;
    assert!(world.record("p1").await.fields.is_deleted());
    assert_eq!(world.crm.contacts().await.len(), 1);
}
