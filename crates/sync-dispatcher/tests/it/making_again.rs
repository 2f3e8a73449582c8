//! What a write finds gone: made again or left alone, as the tenant says.

use domain::integration::Direction;
use domain::kind::RecordKind;
use domain::policy::{Carried, DeletionRule, Vanished};
use serde_json::json;

use crate::crm::told;
use crate::world::{Shape, World, event};

/// A prospect whose contact somebody has deleted in the CRM, which told nobody, and the id that the contact had.
async fn with_a_lost_contact(vanished: Vanished, shape: Shape) -> (World, String) {
    let world = World::shaped(&[], shape).await;
    world.crm.faults(json!({"search_lag_ms": 0})).await;
    world.rule(DeletionRule { kind: RecordKind::Contact, carried: Carried::default(), vanished }).await;
    world.dispatch();
    world.accept(vec![event("prospect.created", "p1", json!({"email": "zoe@exemple.fr", "company": "Fleurs"}))]).await;
    world.settle().await;
    let (id, _) = world.crm.only_contact().await;
    world.crm.delete_contact(&id).await;
    (world, id)
}

impl World {
    async fn change(&self, city: &str) {
        self.accept(vec![event("prospect.updated", "p1", json!({"city": city}))]).await;
        self.settle().await;
    }

    /// How often a contact was created by the API.
    async fn creates(&self) -> usize {
        self.crm.api_writes().await.iter().filter(|write| write["action"] == "created").count()
    }
}

#[tokio::test]
async fn a_contact_that_a_write_finds_gone_is_made_again_once_where_the_tenant_wishes_so() {
    let (world, id) = with_a_lost_contact(Vanished::Recreate, Shape::default()).await;
    world.change("Lyon").await;
    let (again, contact) = world.crm.only_contact().await;
    assert_ne!(again, id);
    let shown = ["email", "company", "city"].map(|name| contact[name].as_str());
    assert_eq!(shown, ["zoe@exemple.fr", "Fleurs", "Lyon"]);
    assert!(!world.record("p1").await.fields.is_deleted());

    // What the CRM tells of the old one concerns nobody any more.
    world.deliver(&[told("deletion", &id)]).await;
    world.settle().await;
    assert_eq!((world.creates().await, world.crm.duplicates().await), (2, 0));
    assert_eq!(world.link("p1").await.external_id, Some(again));
}

/// Who would not look first would make a second one.
#[tokio::test]
async fn somebody_elses_new_contact_of_that_person_is_taken_instead() {
    let (world, _) = with_a_lost_contact(Vanished::Recreate, Shape::default()).await;
    let theirs = world.crm.add_contact(json!({"email": "zoe@exemple.fr"})).await;
    world.change("Lyon").await;
    let (id, contact) = world.crm.only_contact().await;
    assert_eq!((id, contact["city"].as_str()), (theirs, "Lyon"));
    assert_eq!(world.creates().await, 1);
}

#[tokio::test]
async fn what_is_deleted_again_and_again_is_made_again_only_when_somebody_says_so() {
    let (world, _) = with_a_lost_contact(Vanished::Recreate, Shape::default()).await;
    world.change("Lyon").await;
    let (again, _) = world.crm.only_contact().await;
    world.crm.delete_contact(&again).await;
    world.deliver(&[told("deletion", &again)]).await;
    world.settle().await;
    assert!(world.crm.contacts().await.is_empty());
    let failures = world.failures().await;
    assert_eq!(failures.iter().map(|group| group.code.as_str()).collect::<Vec<_>>(), ["vanished_again"]);

    world.replay().await;
    world.settle().await;
    assert_eq!((world.crm.contacts().await.len(), world.failures().await.len()), (1, 0));
}

#[tokio::test]
async fn where_the_tenant_wishes_so_it_is_left_alone_until_somebody_revives_it() {
    let (world, id) = with_a_lost_contact(Vanished::Unlink, Shape::default()).await;
    world.change("Lyon").await;
    assert!(!world.record("p1").await.fields.is_deleted(), "the prospect stays");
    let writes = world.crm.api_writes().await.len();
    world.change("Nantes").await;
    assert_eq!((world.crm.api_writes().await.len(), world.crm.contacts().await.len()), (writes, 0));
    assert!(world.failures().await.is_empty(), "{:#?}", world.failures().await);

    world.accept(vec![event("prospect.deleted", "p1", json!({}))]).await;
    world.settle().await;
    world.accept(vec![event("prospect.created", "p1", json!({"email": "zoe@exemple.fr"}))]).await;
    world.settle().await;
    let (again, contact) = world.crm.only_contact().await;
    assert_ne!(again, id);
    assert_eq!(contact["city"].as_str(), "Nantes");
}

#[tokio::test]
async fn what_only_goes_out_is_made_again_where_nothing_was_said() {
    let shape = Shape::default().with(RecordKind::Contact, Direction::ToPlatform);
    let (world, id) = with_a_lost_contact(Vanished::Follow, shape).await;
    world.change("Lyon").await;
    assert_ne!(world.crm.only_contact().await.0, id);
    world.outcome("the attempt that failed", |outcome| outcome.error.is_some()).await;
    assert_eq!(world.failed().len(), 1, "it was tried once before it was seen to be gone: {:?}", world.failed());
}

#[tokio::test]
async fn what_belongs_to_a_contact_that_was_made_again_is_tied_to_the_new_one() {
    let world = World::quiet(&[]).await;
    let vanished = Vanished::Recreate;
    world.rule(DeletionRule { kind: RecordKind::Contact, carried: Carried::default(), vanished }).await;
    world.dispatch();
    world.accept(vec![event("prospect.created", "p1", json!({"email": "zoe@exemple.fr"}))]).await;
    world.accept(vec![event("appointment.created", "a1", json!({"prospect_id": "p1", "title": "Visite"}))]).await;
    world.settle().await;
    let (id, _) = world.crm.only_contact().await;
    world.crm.delete_contact(&id).await;
    world.change("Lyon").await;
    let (again, _) = world.crm.only_contact().await;
    let ties = world.crm.standing_ties("deals").await;
    assert!(ties.iter().any(|(_, contact)| *contact == again), "{ties:?}");
    assert!(world.failures().await.is_empty(), "{:#?}", world.failures().await);
}
