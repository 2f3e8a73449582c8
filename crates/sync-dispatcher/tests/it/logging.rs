//! What the log is told of an attempt: of each field that it changed what stood there before, and what stands there now.

use domain::mapping::FieldMapping;
use domain::outcome::{FieldChanges, SyncOutcome, SyncType};
use domain::redaction::{Redaction, Redactor};
use persistence::sync_logs;
use serde_json::{Value, json};
use testkit::wait;

use crate::crm::told;
use crate::world::{DEADLINE, World, event};

/// Changes, as an outcome tells them.
pub(crate) fn changes(of: &[(&str, Value, Value)]) -> FieldChanges {
    let all: serde_json::Map<_, _> = of
        .iter()
        .map(|(name, before, after)| ((*name).to_owned(), json!({"before": before, "after": after})))
        .collect();
    serde_json::from_value(all.into()).unwrap()
}

async fn of(world: &World, sync_type: SyncType) -> SyncOutcome {
    world.outcome("the attempt in the log", |outcome| outcome.sync_type == sync_type).await
}

#[tokio::test]
async fn a_write_tells_what_the_platform_showed_before_and_shows_now() {
    let world = World::start().await;
    world.crm.faults(json!({"reformat_phones": true})).await;
    let data = json!({"email": "zoe@exemple.fr", "phone": "0612345678", "company": "Ancienne"});
    world.accept(vec![event("prospect.created", "p1", data)]).await;
    world.settle().await;
    let (_, contact) = world.crm.only_contact().await;
    let created = of(&world, SyncType::Create).await;
    let phone = &contact["phone"];
    assert_ne!(phone, "0612345678", "it is reformatted");
    let expected = [("phone", json!(null), json!(phone)), ("company", json!(null), json!("Ancienne"))];
    for (name, change) in changes(&expected) {
        assert_eq!(created.changes.get(&name), Some(&change), "{:?}", created.changes);
    }

    world.accept(vec![event("prospect.updated", "p1", json!({"phone": "", "company": "Nouvelle"}))]).await;
    world.settle().await;
    let expected = [("phone", json!(phone), json!(null)), ("company", json!("Ancienne"), json!("Nouvelle"))];
    assert_eq!(of(&world, SyncType::Update).await.changes, changes(&expected));
}

#[tokio::test]
async fn a_write_that_is_refused_tells_what_it_was_to_change() {
    let world = World::start().await;
    world
        .accept(vec![event("prospect.created", "p1", json!({"email": "zoe@exemple.fr", "company": "Ancienne"}))])
        .await;
    world.settle().await;
    world.crm.faults(json!({"fail_all_status": 400})).await;
    world.accept(vec![event("prospect.updated", "p1", json!({"company": "Nouvelle"}))]).await;
    let refused = world.outcome("the refusal in the log", |outcome| outcome.error.is_some()).await;
    assert_eq!(refused.changes, changes(&[("company", json!("Ancienne"), json!("Nouvelle"))]));
}

#[tokio::test]
async fn a_reading_tells_what_our_record_held_before_and_holds_now() {
    let world = World::start().await;
    let theirs = json!({"email": "zoe@exemple.fr", "firstname": "Zoë", "jobtitle": "Gérante"});
    let id = world.crm.add_contact(theirs).await;
    let ours = json!({"email": "zoe@exemple.fr", "first_name": "Zoé", "last_name": "Martin"});
    world.accept(vec![event("prospect.created", "p1", ours)]).await;
    world.settle().await;
    let expected = [("first_name", json!("Zoé"), json!("Zoë")), ("job_title", json!(null), json!("Gérante"))];
    assert_eq!(of(&world, SyncType::Adopt).await.changes, changes(&expected));
    assert_eq!(of(&world, SyncType::Update).await.changes, changes(&[("lastname", json!(null), json!("Martin"))]));

    world.crm.edit_contact(&id, json!({"jobtitle": "Directrice"})).await;
    world.deliver(&[told("propertyChange", &id)]).await;
    world.settle().await;
    let expected = [("job_title", json!("Gérante"), json!("Directrice"))];
    assert_eq!(of(&world, SyncType::Read).await.changes, changes(&expected));
}

#[tokio::test]
async fn what_a_tenant_wants_taken_out_is_taken_out_of_failures_as_of_the_log_so_that_each_group_has_its_example() {
    let world = World::start().await;
    let redaction = Redaction { emails: true, patterns: vec!["Property".to_owned()], ..Redaction::default() };
    world.redact(redaction.clone()).await;
    world.map(FieldMapping::to_platform("notes", "no_such_property")).await;
    let data = json!({"email": "zoe@exemple.fr", "notes": "Rappeler mardi"});
    world.accept(vec![event("prospect.created", "p1", data)]).await;
    let refused = world.outcome("the refusal in the log", |outcome| outcome.error.is_some()).await;
    world.settle().await;
    assert_eq!(refused.request.as_ref().unwrap()["email"], "[redacted]");
    let group = world.failures().await.remove(0);
    assert!(group.message.starts_with("[redacted]"), "{group:?}");

    // Whoever writes the log takes it out as well.
    let written = Redactor::new(&redaction).outcome(refused);
    let mut tx = world.begin().await;
    sync_logs::insert_batch(&mut tx, &[written]).await.unwrap();
    let whose = (world.tenant, world.integration);
    let example = sync_logs::newest_alike(&mut tx, whose, &group.fingerprint).await.unwrap();
    assert!(example.is_some(), "{group:?}");
}

#[tokio::test]
async fn what_is_found_out_when_all_else_is_redacted_already_is_redacted_as_well() {
    let world = World::start().await;
    // What we say ourselves is the same for everybody, and a tenant's pattern may match it all the same.
    world.redact(Redaction { patterns: vec!["une autre personne".to_owned()], ..Redaction::default() }).await;
    world.accept(vec![event("prospect.created", "p1", json!({"email": "ana@exemple.fr"}))]).await;
    world.settle().await;
    let other = world.link("p1").await.id;

    // Before what came of a create is settled, somebody else stands for the object that it made.
    let creates = world.put_off_creates().await;
    world.accept(vec![event("prospect.created", "p2", json!({"email": "zoe@exemple.fr"}))]).await;
    world.take_in().await;
    let tx = world.hold_while_made(creates, world.record("p2").await.id).await;
    let object = wait::until("the object to be made", DEADLINE, || async {
        let mut contacts = world.crm.contacts().await.into_iter();
        contacts.find(|(_, contact)| contact["email"] == "zoe@exemple.fr").map(|(id, _)| id)
    })
    .await;
    world.server.execute(&format!("UPDATE record_links SET external_id = '{object}' WHERE id = '{other}'")).await;
    tx.commit().await.unwrap();
    let refused = world.outcome("the refusal in the log", |outcome| outcome.error.is_some()).await.error.unwrap();
    world.settle().await;
    let group = world.failures().await.remove(0);
    let expected = "Contact dupliqué : la fiche de la plateforme est déjà liée à [redacted]";
    assert_eq!((refused.code.as_str(), refused.message.as_str()), ("already_linked", expected));
    assert_eq!(group.message, expected);
}
