//! Telling Coccinelle's backend what it does not hold: under what it is owed, how it is signed, and when it comes to rest.

use domain::id::TenantId;
use domain::integration::Status;
use domain::kind::RecordKind;
use domain::message::EventMerge;
use domain::time::Timestamp;
use messaging::Context;
use messaging::topology::RECORDS_EXCHANGE;
use persistence::records::links;
use persistence::{health, integrations};
use serde_json::{Value, json};
use testkit::wait;
use tokio::net::TcpListener;

use crate::backend::{Backend, SECRETS};
use crate::crm::told;
use crate::scheduling::undisturbed;
use crate::world::{DEADLINE, HASTE, Shape, World, event};

fn camille() -> Value {
    event("prospect.created", "p-1", json!({"first_name": "Camille", "email": "camille@example.fr", "city": "Nîmes"}))
}

/// Somebody edits the only contact, and the platform tells us.
async fn edit(world: &World, properties: Value) {
    let (id, _) = world.crm.only_contact().await;
    world.crm.edit_contact(&id, properties).await;
    world.deliver(&[told("propertyChange", &id)]).await;
}

/// The only contact's city.
async fn city(world: &World) -> String {
    world.crm.only_contact().await.1["city"].clone()
}

/// Tells the backend now what it would be told later.
async fn tell_now(world: &World) {
    let mut tx = world.begin().await;
    let backend = integrations::backend(&mut tx, world.tenant).await.unwrap();
    let records = [(world.record("p-1").await.id, RecordKind::Contact)].into();
    let tells = links::note_news(&mut tx, (world.tenant, backend), &records).await.unwrap();
    tx.commit().await.unwrap();
    for tell in tells {
        world.broker.publish(&tell, &Context::new()).await.unwrap();
    }
}

/// Waits until the backend is owed nothing.
async fn settled(world: &World) {
    world.settle().await;
    wait::until("the backend to know everything", DEADLINE, || async {
        let owed = world.owed_to_backend().await;
        if owed == 0 { Ok(()) } else { Err(owed) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_webhook_tells_the_backend_which_object_a_record_is_linked_to() {
    let backend = Backend::start();
    let world = backend.world().await;
    world.accept(vec![camille()]).await;
    let linked = backend.hears("record.linked", |data| data["subject_ids"] == json!(["p-1"])).await;
    let external_id = world.crm.only_contact().await.0;
    assert_eq!(
        *linked.data(),
        json!({"tenant_id": world.tenant, "record_id": world.record("p-1").await.id, "kind": "contact",
               "subject_ids": ["p-1"], "integration_id": world.integration, "platform": "hubspot",
               "external_id": external_id})
    );
    settled(&world).await;
    assert_eq!(backend.heard("record.linked").len(), 1);
    assert_eq!(backend.heard("record.changed").len(), 0, "the backend said all of this itself");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_at_a_platform_is_told_to_the_backend_with_what_it_does_not_hold() {
    let backend = Backend::start();
    let world = backend.world().await;
    world.accept(vec![camille()]).await;
    settled(&world).await;
    edit(&world, json!({"city": "Arles"})).await;
    let changed = backend.hears("record.changed", |data| data["subject_ids"] == json!(["p-1"])).await;
    assert_eq!(changed.data()["changed"], json!(["city"]));
    assert_eq!(
        changed.data()["fields"],
        json!({"city": "Arles", "email": "camille@example.fr", "first_name": "Camille"})
    );
    settled(&world).await;
    assert_eq!(backend.heard("record.changed").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_that_re_emits_all_it_receives_settles() {
    let backend = Backend::start();
    let world = backend.world().await;
    world.accept(vec![camille()]).await;
    settled(&world).await;
    for round in 0..5 {
        edit(&world, json!({"city": format!("Ville {round}")})).await;
        if round % 2 == 1 {
            backend.hears("record.changed", |data| data["fields"]["city"] == format!("Ville {round}")).await;
        }
        while let Some(event) = backend.emits().await {
            world.accept(vec![event]).await;
        }
    }
    backend.hears("record.changed", |data| data["fields"]["city"] == "Ville 4").await;
    settled(&world).await;
    while let Some(event) = backend.emits().await {
        world.accept(vec![event]).await;
    }
    settled(&world).await;
    assert_eq!(world.value("p-1", "city").await, "Ville 4");
    assert_eq!(city(&world).await, "Ville 4");
    let told = backend.heard("record.changed").len();
    assert!((1..=5).contains(&told), "{told} notices of 5 changes");
    // Its own change is one, whatever it said before.
    world.accept(vec![event("prospect.updated", "p-1", json!({"city": "Ville 3"}))]).await;
    settled(&world).await;
    assert_eq!(city(&world).await, "Ville 3");
    assert_eq!(backend.heard("record.changed").len(), told);
}

#[tokio::test(flavor = "multi_thread")]
async fn rule_01_what_the_backend_did_not_take_stays_owed_and_comes_again_under_the_same_id() {
    let backend = Backend::start();
    backend.answers(&[(503, None), (409, None), (503, None), (429, Some(1))]);
    let world = backend.world().await;
    world.accept(vec![camille()]).await;
    wait::until("the last refusal", DEADLINE, || async { (backend.refused().len() == 4).then_some(()) }).await;
    // Whoever was refused has settled it: the last one asked for a minute.
    let put_off = "SELECT count(*) FROM record_links WHERE owed AND lease_token IS NULL AND not_before > now()";
    wait::until("the last refusal to be noted", DEADLINE, || async {
        (world.server.count(put_off).await == 1).then_some(())
    })
    .await;
    assert_eq!(world.owed_to_backend().await, 1);
    let refused = backend.refused();
    // The last one asked for a minute at least, which the schedule keeps; no test waits for it.
    tell_now(&world).await;
    let linked = backend.hears("record.linked", |_| true).await;
    assert!(refused.iter().all(|refused| refused.id == linked.id), "{refused:?}");
    settled(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_that_may_take_longer_than_a_lease_is_told_all_the_same() {
    let backend = Backend::start();
    let short = [("DISPATCHER__LEASE", "3s"), ("DISPATCHER__PLATFORM_TIMEOUT", "2s"), ("BACKEND__TIMEOUT", "10s")];
    let world = backend.world_with(&short).await;
    world.accept(vec![camille()]).await;
    backend.hears("record.linked", |data| data["subject_ids"] == json!(["p-1"])).await;
    settled(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_a_backend_that_is_away_stays_in_its_queue() {
    const REFUSALS: usize = 6;
    let backend = Backend::start();
    backend.answers(&[(503, None); REFUSALS]);
    let world = backend.world_with(&[("BACKEND__PARALLEL", "1")]).await;
    let prospect = |n: u32| {
        event("prospect.created", &format!("p-{n}"), json!({"email": format!("p{n}@example.fr"), "city": "Nîmes"}))
    };
    world.accept((0..30).map(prospect).collect()).await;
    wait::until("the refusals", DEADLINE, || async { (backend.refused().len() == REFUSALS).then_some(()) }).await;
    let waiting = world.waiting("retry.").await.len();
    assert!(waiting <= REFUSALS, "{waiting} messages wait in tiers, of which {REFUSALS} were refused");
    settled(&world).await;
    assert_eq!(backend.heard("record.linked").len(), 30);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_backend_refuses_for_good_blocks_its_link_until_there_is_news() {
    let backend = Backend::start();
    let world = backend.world().await;
    backend.answers(&[(422, None)]);
    world.accept(vec![camille()]).await;
    wait::until("the refusal", DEADLINE, || async { (backend.refused().len() == 1).then_some(()) }).await;
    settled(&world).await;
    assert_eq!(backend.heard("record.linked").len(), 0);
    edit(&world, json!({"city": "Arles"})).await;
    backend.hears("record.linked", |_| true).await;
    backend.hears("record.changed", |data| data["fields"]["city"] == "Arles").await;
    settled(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_whom_only_a_platform_knows_is_told_to_the_backend_and_recognised_when_it_answers() {
    let backend = Backend::start();
    let world = backend.world().await;
    let id = world.crm.add_contact(json!({"email": "zoe@example.fr", "firstname": "Zoé"})).await;
    world.deliver(&[told("creation", &id)]).await;
    let changed = backend.hears("record.changed", |data| data["fields"]["email"] == "zoe@example.fr").await;
    assert_eq!(changed.data()["subject_ids"], json!([]));
    backend.hears("record.linked", |data| data["record_id"] == changed.data()["record_id"]).await;
    settled(&world).await;
    let told = backend.heard("record.changed").len();
    world.accept(vec![event("prospect.created", "p-9", changed.data()["fields"].clone())]).await;
    settled(&world).await;
    assert_eq!(json!(world.record("p-9").await.id), changed.data()["record_id"]);
    assert_eq!(backend.heard("record.changed").len(), told);
    assert_eq!(world.records_of(RecordKind::Contact).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_that_changes_is_told_once() {
    let backend = Backend::start();
    backend.answers(&[(500, None)]);
    let world = backend.quiet_world(&HASTE).await;
    world.dispatch();
    let first = backend.hears("integration.status_changed", |data| data["status"] == "active").await;
    assert_eq!(first.data()["previous_status"], Value::Null);
    world.set_status(Status::ReauthRequired).await;
    let parked = backend.hears("integration.status_changed", |data| data["status"] == "reauth_required").await;
    assert_eq!(parked.data()["previous_status"], "active");
    assert_eq!(parked.data()["integration_id"], json!(world.integration));
    world.set_status(Status::Active).await;
    wait::until("three statuses", DEADLINE, || async {
        let heard = backend.heard("integration.status_changed");
        if heard.len() == 3 { Ok(()) } else { Err(heard) }
    })
    .await;
    let mut ids: Vec<_> = backend.heard("integration.status_changed").into_iter().map(|heard| heard.id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_overdue_does_not_wait_for_a_backend_that_takes_its_time_over_a_status() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hooks", listener.local_addr().unwrap());
    let backend = [("BACKEND__URL", url.as_str()), ("BACKEND__SECRETS", SECRETS), ("BACKEND__TIMEOUT", "10m")];
    let world = World::with(&[&backend[..], &HASTE[..]].concat()).await;
    // It is told of the status, and does not answer.
    let _open = listener.accept().await.unwrap();
    world.lose_track().await;
    wait::until("what was lost to be announced meanwhile", DEADLINE, || async {
        let overdue = world.overdue().await;
        if overdue == 0 { Ok(()) } else { Err(overdue) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_that_is_named_later_is_told_everything_it_does_not_know() {
    let backend = Backend::start();
    let world = World::start().await;
    world.accept(vec![camille()]).await;
    world.settle().await;
    assert_eq!(world.owed_to_backend().await, 0, "nobody is owed what nobody could tell");
    let ours = backend.settings();
    let ours: Vec<_> = ours.iter().map(|(key, value)| (*key, value.as_str())).collect();
    world.dispatch_with(&[&ours, &HASTE[..]].concat());
    backend.hears("record.linked", |data| data["subject_ids"] == json!(["p-1"])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_of_whom_nothing_can_be_told_keeps_nobody_elses_news_from_a_backend_that_is_named_later() {
    let backend = Backend::start();
    let world = World::start().await;
    world.accept(vec![camille()]).await;
    world.settle().await;
    let (other, integration) = (TenantId::new(), undisturbed());
    world.connect((other, integration), 5151, Shape::default()).await;
    let paul = event("prospect.created", "p-2", json!({"email": "paul@example.fr"}));
    let events = vec![domain::event::parse(&paul, "").unwrap()];
    let message = EventMerge { tenant_id: other, accepted_at: Timestamp::now(), events };
    world.broker.publish(&message, &Context::new()).await.unwrap();
    let linked = format!(
        "SELECT count(*) FROM record_links WHERE integration_id = '{integration}' AND external_id IS NOT NULL AND NOT owed"
    );
    wait::until("the other's prospect to be linked", DEADLINE, || async {
        (world.server.count(&linked).await == 1).then_some(())
    })
    .await;
    // As where a newer version made them. Whoever came first is told of first.
    world.server.execute(&format!("UPDATE records SET kind = 'unheard_of' WHERE tenant_id = '{}'", world.tenant)).await;
    let ours = backend.settings();
    let ours: Vec<_> = ours.iter().map(|(key, value)| (*key, value.as_str())).collect();
    world.dispatch_with(&[&ours, &HASTE[..]].concat());
    backend.hears("record.linked", |data| data["subject_ids"] == json!(["p-2"])).await;
}

/// The messages that another service has in its queue, each with the key that brought it there.
async fn all_heard_by(world: &World, queue: &str) -> Vec<(String, Value)> {
    let heard = world.vhost.peek(queue).await;
    let said = heard.into_iter().map(|message| (message.routing_key, serde_json::from_str(&message.payload).unwrap()));
    said.collect()
}

/// The last one of these.
async fn heard_by(world: &World, queue: &str) -> (String, Value) {
    wait::until("another service to hear of it", DEADLINE, || async { all_heard_by(world, queue).await.pop() }).await
}

#[tokio::test(flavor = "multi_thread")]
async fn other_services_hear_of_counterparts_whether_or_not_there_is_a_backend() {
    let world = World::start().await;
    world.vhost.bind("a-service.links", RECORDS_EXCHANGE, "*.contact.linked").await;
    world.accept(vec![camille()]).await;
    world.settle().await;
    let (key, word) = heard_by(&world, "a-service.links").await;
    assert_eq!(key, format!("{}.contact.linked", world.tenant));
    let record = world.record("p-1").await.id;
    assert_eq!(
        word,
        json!({"tenant_id": world.tenant, "record_id": record, "kind": "contact", "integration_id": world.integration})
    );
    // What changes from now on is no other counterpart.
    world.accept(vec![event("prospect.updated", "p-1", json!({"city": "Lyon"}))]).await;
    world.settle().await;
    assert_eq!(world.vhost.peek("a-service.links").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn other_services_hear_once_of_a_status_whether_or_not_there_is_a_backend() {
    let world = World::quiet(&HASTE).await;
    world.vhost.bind("a-service.statuses", RECORDS_EXCHANGE, "*.integration.status_changed").await;
    world.dispatch();
    let key = format!("{}.integration.status_changed", world.tenant);
    let mut heard = Vec::new();
    for status in [Status::Active, Status::ReauthRequired] {
        world.set_status(status).await;
        heard.push((
            key.clone(),
            json!({"tenant_id": world.tenant, "integration_id": world.integration, "status": status}),
        ));
        wait::until("another service to hear of it", DEADLINE, || async {
            let said = all_heard_by(&world, "a-service.statuses").await;
            if said == heard { Ok(()) } else { Err(said) }
        })
        .await;
        wait::until("that to be noted", DEADLINE, || async {
            let left = health::unproclaimed(&mut world.begin().await, 10).await.unwrap();
            if left.is_empty() { Ok(()) } else { Err(left) }
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_that_a_service_refuses_is_the_only_one_that_is_told_again() {
    let world = World::quiet(&HASTE).await;
    let (other, refused) = (TenantId::new(), undisturbed());
    world.connect((other, refused), 5151, Shape::default()).await;
    let pattern = format!("{other}.integration.status_changed");
    world.vhost.bind_full("a-service.full", RECORDS_EXCHANGE, &pattern).await;
    world.dispatch();
    wait::until("the other one to be noted", DEADLINE, || async {
        let left = health::unproclaimed(&mut world.begin().await, 10).await.unwrap();
        let left: Vec<_> = left.iter().map(|unheard| unheard.word.integration_id).collect();
        if left == [refused] { Ok(()) } else { Err(left) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn other_services_hear_of_a_status_while_the_backend_takes_nothing() {
    let backend = Backend::start();
    backend.answers(&[(503, None); 200]);
    let world = backend.quiet_world(&HASTE).await;
    world.vhost.bind("a-service.statuses", RECORDS_EXCHANGE, "*.integration.status_changed").await;
    world.dispatch();
    heard_by(&world, "a-service.statuses").await;
    assert_eq!(backend.heard("integration.status_changed").len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn other_services_hear_of_records_on_the_topic_exchange() {
    let world = World::start().await;
    let key = format!("{}.contact.changed", world.tenant);
    world.vhost.bind("a-service.records", RECORDS_EXCHANGE, "*.contact.changed").await;
    world.accept(vec![camille()]).await;
    world.settle().await;
    let record = world.record("p-1").await;
    let heard = heard_by(&world, "a-service.records").await;
    let word = json!({"tenant_id": world.tenant, "record_id": record.id, "kind": "contact", "version": record.version});
    assert_eq!(heard, (key, word));
}
