//! `kill -9` of the dispatcher while it works: nobody is lost, and nobody is written twice unless looking is switched off.

use reqwest::Method;
use serde_json::{Value, json};
use testkit::wait;
use xtask::people::Crowd;
use xtask::session::{Count, PORTAL, Service};

use crate::world::{DEADLINE, PATIENT, World, prospect};

const PROSPECTS: usize = 1_000;

#[tokio::test]
async fn promise_2_three_kills_among_a_thousand_prospects_lose_nobody_and_write_nobody_twice() {
    let settings = [("DISPATCHER__LANE_BATCH", "40"), PATIENT[0], PATIENT[1]];
    let world = World::on_shared_servers("e2e-kills", 25_000, &settings).await;
    // Slow enough for kills to land in the middle of calls, and long before the end.
    world.faults(json!({ "latency_ms": 500 })).await;
    let crowd = Crowd::generate(7, PROSPECTS, chrono::Utc::now());
    let people = u64::try_from(crowd.distinct).unwrap();
    let mut accepted = 0;
    for batch in crowd.batches(7) {
        accepted += world.session.send_events(&world.tenant, batch).await.unwrap();
    }
    assert_eq!(accepted, u64::try_from(crowd.events.len()).unwrap());
    let mut least = 1;
    for _ in 0..3 {
        // More than was under way when it was killed, so that its successor has written as well.
        least = kill_at(&world, least, people).await + 3 * 40;
    }
    world.faults(json!({ "latency_ms": 0 })).await;
    let count = world.settle(people).await;
    assert!(count.is_exact(), "{count:?}");
    assert_eq!(created(&world).await, people, "contacts were made for {people} people");
    world.end().await;
}

/// Kills the dispatcher once so many people are in the CRM, and waits for its successor. Gives how many there are then.
async fn kill_at(world: &World, least: u64, all: u64) -> u64 {
    wait::until(&format!("{least} people in the CRM"), DEADLINE, || async {
        let now = world.count(all).await;
        if now.in_crm >= least { Ok(()) } else { Err(now) }
    })
    .await;
    let stack = &world.session.stack;
    let victim = stack.pid(Service::SyncDispatcher.name());
    stack.kill(Service::SyncDispatcher.name()).await.unwrap();
    let left = world.count(all).await;
    assert!(left.in_crm < all && left.owed > 0, "the kill came after the work: {left:?}");
    world.free_leases().await;
    wait::until("another dispatcher", DEADLINE, || async {
        stack.pid(Service::SyncDispatcher.name()).filter(|pid| Some(*pid) != victim)
    })
    .await;
    left.in_crm
}

async fn created(world: &World) -> u64 {
    let contacts = |entry: &&Value| entry["object_type"] == "contacts" && entry["action"] == "created";
    u64::try_from(world.journal(0).await.iter().filter(contacts).count()).unwrap()
}

#[tokio::test]
async fn promise_2_a_kill_between_a_write_and_its_answer_duplicates_nobody_unless_looking_is_switched_off() {
    let mut world = World::on_shared_servers("e2e-looking", 26_000, &PATIENT).await;
    let looked = kill_before_the_answer(&world, "06", 100).await;
    assert_eq!((looked.in_crm, looked.duplicates, looked.owed), (100, 0, 0), "{looked:?}");

    world.session.set("COCCINELLE__DISPATCHER__LOOK_BEFORE_CREATE", "false");
    let name = Service::SyncDispatcher.name();
    assert!(world.session.stack.halt(name).await.is_some_and(|status| status.success()));
    world.session.start(Service::SyncDispatcher).unwrap();
    let blind = kill_before_the_answer(&world, "07", 200).await;
    assert_eq!((blind.in_crm, blind.owed), (200, 0), "{blind:?}");
    assert!(blind.duplicates > 0, "this suite would not notice duplicates: {blind:?}");
    world.end().await;
}

/// Sends 100 people who have nothing but a telephone number, and kills the dispatcher when the CRM has taken the first of
/// them and answers to nobody. Gives what is in the CRM in the end, where there should be `all`.
async fn kill_before_the_answer(world: &World, prefix: &str, all: u64) -> Count {
    let people: Vec<Value> = (0..100)
        .map(|number| {
            let phone = format!("{prefix}{:08}", 10_000_000 + number);
            prospect(
                &format!("p-{prefix}-{number}"),
                "prospect.created",
                json!({ "last_name": "Morel", "phone": phone }),
            )
        })
        .collect();
    let before = world.count(all).await.in_crm;
    world.faults(json!({ "lost_answer_next": 1, "lost_answer_as": "silence" })).await;
    world.session.send_events(&world.tenant, &people).await.unwrap();
    wait::until("a write of which nobody has heard", DEADLINE, || async {
        let faults = world.sandbox(Method::GET, &format!("/hubspot/{PORTAL}/faults"), None).await;
        let now = world.count(all).await;
        if faults["lost_answer_next"] == 0 && now.in_crm > before { Ok(()) } else { Err(now) }
    })
    .await;
    world.session.stack.kill(Service::SyncDispatcher.name()).await.unwrap();
    let left = world.count(all).await;
    assert!(left.owed > 0, "the kill came after the work: {left:?}");
    world.free_leases().await;
    world.settle(all).await
}
