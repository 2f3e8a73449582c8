//! The other direction of a run: what Coccinelle holds reaches the CRM, once.

use domain::integration::Frequency;
use domain::kind::RecordKind;
use domain::mapping::FieldMapping;
use domain::run::{Mode, State};
use persistence::runs::NewRun;
use serde_json::{Value, json};
use testkit::wait;

use crate::running::{people, prompt};
use crate::world::{DEADLINE, Shape, World, event};

fn prospects(numbers: std::ops::Range<u32>) -> Vec<Value> {
    let prospect = |n| event("prospect.created", &format!("p{n}"), json!({"email": format!("p{n}@exemple.fr")}));
    numbers.map(prospect).collect()
}

/// An integration that does not take changes at once.
async fn hourly() -> World {
    let world = World::shaped(&[], Shape { frequency: Frequency::Hourly, ..Shape::default() }).await;
    world.crm.faults(prompt()).await;
    world.dispatch();
    world
}

#[tokio::test]
async fn what_an_hourly_integration_is_owed_waits_for_its_run() {
    let world = hourly().await;
    world.crm.import_contacts(people(0..5)).await;
    world.accept(prospects(0..30)).await;
    world.take_in().await;
    assert_eq!((world.drift().await, world.crm.api_writes().await.len()), (30, 0));

    let run = world.run_fully().await;
    // Five of them were in the CRM: adopted, not made again.
    assert_eq!((world.crm.contacts().await.len(), world.crm.duplicates().await, world.drift().await), (30, 0, 0));
    assert_eq!(world.records().await.len(), 30);
    let counts = run.counts[&RecordKind::Contact];
    assert_eq!((counts.read, counts.owed), (5, 0), "{run:?}");
    // Those five are looked at as soon as they are found there, and may be in step before the rest is announced.
    assert!((25..=30).contains(&counts.announced), "{run:?}");
}

#[tokio::test]
async fn what_an_hourly_integration_is_told_of_is_read_by_its_run() {
    let world = hourly().await;
    let ids = world.crm.import_contacts(people(0..1)).await;
    world.deliver(&[crate::crm::told("creation", &ids[0])]).await;
    world.take_in().await;
    assert_eq!((world.records().await.len(), world.drift().await), (0, 1));
    world.run_fully().await;
    assert_eq!((world.records().await.len(), world.drift().await), (1, 0));
}

#[tokio::test]
async fn records_that_were_there_before_are_given_links_and_fill_the_crm() {
    let world = World::quiet(&[("DISPATCHER__RECONCILE_EVERY", "1h")]).await;
    world.crm.faults(prompt()).await;
    world.switch(false).await;
    world.dispatch();
    world.accept(prospects(0..40)).await;
    world.take_in().await;
    world.switch(true).await;
    assert_eq!(world.drift().await, 0, "nobody has linked them");

    world.run_fully().await;
    assert_eq!((world.crm.contacts().await.len(), world.crm.duplicates().await), (40, 0));
    world.run_fully().await;
    assert_eq!((world.crm.contacts().await.len(), world.crm.duplicates().await), (40, 0));
}

#[tokio::test]
async fn a_run_is_done_although_a_record_is_refused_and_counts_it() {
    let world = hourly().await;
    world.map(FieldMapping::to_platform("website", "email")).await;
    let prospect =
        |subject, email| event("prospect.created", subject, json!({"last_name": "Martin", "website": email}));
    world.accept(vec![prospect("good", "zoe@exemple.fr"), prospect("bad", "zoe@-exemple.fr")]).await;
    world.take_in().await;
    let run = world.run_fully().await;
    let counts = run.counts[&RecordKind::Contact];
    assert_eq!((counts.failed, counts.owed), (1, 0), "{run:?}");
    assert_eq!(world.crm.contacts().await.len(), 1);
}

#[tokio::test]
async fn a_run_of_nothing_is_done() {
    let world = World::start().await;
    world.crm.faults(prompt()).await;
    let nothing = NewRun { mode: Mode::SinceLast, kinds: vec![RecordKind::Product], ..world.full_run() };
    let run = world.ask_for(&nothing).await;
    assert_eq!(world.run_in(run.id, State::Done).await.progress().total, 0);
}

#[tokio::test]
async fn what_happens_now_does_not_wait_behind_a_run() {
    let world = World::with(&[("DISPATCHER__LANE_BATCH", "10")]).await;
    world.crm.faults(json!({"search_lag_ms": 0, "search_limit_per_s": null, "latency_ms": 300})).await;
    world.crm.import_contacts(people(0..1_000)).await;
    let run = world.ask_for(&world.full_run()).await;
    wait::until("everything to be listed", DEADLINE, || async {
        let changed = world.run(run.id).await.counts.get(&RecordKind::Contact).map_or(0, |counts| counts.changed);
        if changed == 1_000 { Ok(()) } else { Err(changed) }
    })
    .await;
    world.accept(vec![event("prospect.created", "live", json!({"email": "live@exemple.fr"}))]).await;
    let behind = wait::until("the live prospect", DEADLINE, || async {
        let arrived = world.crm.contacts().await.values().any(|contact| contact["email"] == "live@exemple.fr");
        if arrived { Ok(world.drift().await) } else { Err(world.drift().await) }
    })
    .await;
    assert!(behind > 250, "the run was nearly done before the prospect arrived: {behind}");
}
