//! What is heard of an object before whoever made it has noted its id.

use std::borrow::Cow;

use domain::field::{FieldValue, RemoteFields};
use domain::id::LeaseToken;
use domain::integration::Status;
use domain::kind::RecordKind;
use messaging::Context;
use persistence::mappings;
use persistence::records::links::{self, Ending, Leased, Settlement};
use serde_json::json;
use testkit::wait;

use crate::crm::told;
use crate::world::{DEADLINE, HASTE, World, event};

const EMAIL: &str = "zoe@exemple.fr";

/// A link is given back by whoever has created its object and knows of it what was written.
fn created(leased: Leased, external_id: &str, (version, mapping): (i64, i64)) -> Settlement<'static> {
    let mut state = leased.state;
    let written: RemoteFields = [("email".to_owned(), FieldValue::text(EMAIL))].into();
    state.wrote(external_id, written.clone(), &written);
    Settlement {
        link: leased.push.link_id,
        record: leased.record,
        state: Cow::Owned(state),
        gone: false,
        synced_version: version,
        tried_version: version,
        synced_mapping: mapping,
        tried_mapping: mapping,
        heard_seq: leased.remote_seq,
        read_seq: leased.remote_seq,
        attempts: 0,
        intent_is_open: false,
        errand: None,
        hinted_id: None,
        ending: Ending::InStep,
        outcomes: Cow::default(),
    }
}

#[tokio::test]
async fn an_edit_that_is_heard_of_before_our_create_is_noted_is_read_all_the_same() {
    let world = World::quiet(&HASTE).await;
    // Nobody is to take the link before the test does.
    world.set_status(Status::ReauthRequired).await;
    world.dispatch();
    world.accept(vec![event("prospect.created", "p1", json!({"email": EMAIL}))]).await;
    world.take_in().await;
    let (link, token) = (world.link("p1").await.id, LeaseToken::new());
    let mut tx = world.begin().await;
    let whose = (world.tenant, world.integration);
    let leased = links::lease(&mut tx, whose, &[link], token, DEADLINE * 4).await.unwrap().pop().unwrap();
    let mapping = mappings::get(&mut tx, world.tenant, world.integration, RecordKind::Contact).await.unwrap().unwrap();
    tx.commit().await.unwrap();

    // It is created, somebody edits it at once, and both are heard of, read, and found to be the record's whose link is held.
    let id = world.crm.add_contact(json!({"email": EMAIL})).await;
    world.crm.edit_contact(&id, json!({"jobtitle": "Directrice"})).await;
    world.set_status(Status::Active).await;
    world.deliver(&[told("creation", &id), told("propertyChange", &id)]).await;
    world.take_in().await;
    wait::until("the object to be found to be the record's", DEADLINE, || async {
        let unread = world.server.count("SELECT count(*) FROM record_links WHERE record_id IS NULL").await;
        if unread == 0 { Ok(()) } else { Err(unread) }
    })
    .await;
    assert_eq!(world.value("p1", "job_title").await, "");

    let (push, versions) = (leased.push, (world.record("p1").await.version, mapping.version));
    let mut tx = world.begin().await;
    let settled = links::settle(&mut tx, token, &[created(leased, &id, versions)]).await.unwrap();
    tx.commit().await.unwrap();
    assert!(settled[0].is_owed, "nobody would read it any more");
    world.broker.publish(&push, &Context::new()).await.unwrap();
    world.settle().await;
    assert_eq!(world.value("p1", "job_title").await, "Directrice");
}
