//! What one tenant sends at once does not stand before what another one sends, and is the work of all dispatchers.

use domain::id::{IntegrationId, TenantId};
use domain::message::{EventMerge, Message as _, RecordPush};
use domain::time::Timestamp;
use messaging::Context;
use serde_json::{Value, json};
use testkit::wait;

use crate::crm::told;
use crate::world::{DEADLINE, HASTE, Shape, World, event};

const OTHER_PORTAL: u64 = 5151;

/// Many times what is merged at once.
const FLOOD: u32 = 3_000;

/// No more than this is begun after the last message of a queue: four messages are merged at once.
const AT_ONCE: u32 = 400;

fn person(n: u32) -> Value {
    event("prospect.created", &format!("p{n}"), json!({"email": format!("p{n}@exemple.fr")}))
}

#[tokio::test]
async fn an_event_is_merged_before_the_flood_of_another_tenant_that_came_first() {
    let world = World::quiet(&[]).await;
    let mine = EventMerge::queue_of(world.tenant);
    let other = std::iter::repeat_with(TenantId::new).find(|tenant| EventMerge::queue_of(*tenant) != mine).unwrap();
    world.connect((other, IntegrationId::new()), OTHER_PORTAL, Shape::default()).await;
    // Else the other's lane may be made only when the flood is over.
    world
        .dispatch_until("every lane to be there", || async {
            let made = world.vhost.queues().await;
            if EventMerge::LANES.iter().all(|lane| made.iter().any(|queue| queue == lane)) {
                Ok(())
            } else {
                Err(format!("{made:?}"))
            }
        })
        .await;
    world.accept((0..FLOOD).map(person).collect()).await;
    let events = vec![domain::event::parse(&person(FLOOD), "").unwrap()];
    let last = EventMerge { tenant_id: other, accepted_at: Timestamp::now(), events };
    world.broker.publish(&last, &Context::new()).await.unwrap();
    world.dispatch();
    world.take_in().await;
    let later = format!(
        "SELECT count(*)::text FROM records WHERE tenant_id = '{}' AND kind = 'contact'
         AND created_at > (SELECT created_at FROM records WHERE tenant_id = '{other}')",
        world.tenant
    );
    let later: u32 = world.server.texts(&later).await[0].parse().unwrap();
    assert!(later > AT_ONCE, "only {later} of {FLOOD} were merged after it");
}

/// Waits until nothing is announced any more: what is still owed then, the lanes hold or have left to the database.
async fn all_are_taken(world: &World) {
    wait::until("all announcements to be taken", DEADLINE, || async {
        let is_there = world.vhost.queues().await.iter().any(|queue| queue == RecordPush::QUEUE);
        let waiting = if is_there { world.vhost.peek(RecordPush::QUEUE).await.len() } else { usize::MAX };
        if waiting == 0 { Ok(()) } else { Err(waiting) }
    })
    .await;
}

/// Waits until more batches than this are under way at once.
async fn more_under_way_than(most: i64, world: &World) {
    let batches = "SELECT count(DISTINCT lease_token) FROM record_links WHERE lease_until > now()";
    wait::until("more batches to be under way", DEADLINE, || async {
        let under_way = world.server.count(batches).await;
        if under_way > most { Ok(()) } else { Err(under_way) }
    })
    .await;
}

const OWED: &str = "SELECT count(*) FROM record_links WHERE owed";

/// One batch at once, of two; what is announced beyond another one is left to the database.
const NARROW: [(&str, &str); 4] = [
    ("DISPATCHER__LANE_BATCH", "2"),
    ("DISPATCHER__LANE_PARALLEL", "1"),
    ("DISPATCHER__PUSH_PREFETCH", "8"),
    ("DISPATCHER__BULK_PREFETCH", "8"),
];

/// As much as there is.
const WIDE: [(&str, &str); 3] =
    [("DISPATCHER__LANE_BATCH", "100"), ("DISPATCHER__PUSH_PREFETCH", "1000"), ("DISPATCHER__BULK_PREFETCH", "1000")];

#[tokio::test]
async fn what_a_lane_leaves_to_the_database_another_dispatcher_takes_as_well() {
    let world = World::quiet(&NARROW).await;
    world.crm.faults(json!({"latency_ms": 500, "search_lag_ms": 0, "search_limit_per_s": null})).await;
    let first = world.dispatch();
    // One dispatcher alone would need minutes.
    world.accept((0..600).map(person).collect()).await;
    world.take_in().await;
    all_are_taken(&world).await;
    let second = world.dispatch();
    // Of one dispatcher there are two at most: one batch of what is live, and one of what is caught up with.
    more_under_way_than(2, &world).await;
    world.crm.faults(json!({"latency_ms": 0})).await;
    // By two at once, the rest would take as long as the platform's limit lets it.
    for narrow in [first, second] {
        narrow.cancel();
    }
    world.dispatch_with(&[&HASTE[..], &WIDE].concat());
    world.settle().await;
    assert_eq!((world.crm.contacts().await.len(), world.crm.duplicates().await), (600, 0));
}

#[tokio::test]
async fn a_dispatcher_that_is_stopped_leaves_what_it_has_not_begun_to_the_others() {
    let world = World::quiet(&NARROW).await;
    world.crm.faults(json!({"latency_ms": 500, "search_lag_ms": 0, "search_limit_per_s": null})).await;
    world.accept((0..200).map(person).collect()).await;
    let under_way = "SELECT count(*) FROM record_links WHERE lease_until > now()";
    world
        .dispatch_until("a batch to be under way while more waits", || async {
            let (leased, owed) = (world.server.count(under_way).await, world.server.count(OWED).await);
            if leased > 0 && owed > 100 { Ok(()) } else { Err(format!("{leased} of {owed}")) }
        })
        .await;
    assert!(world.server.count(OWED).await > 0, "it worked all of it off");
    world.crm.faults(json!({"latency_ms": 0})).await;
    // What was left to the database is found there by a reconciler.
    world.dispatch_with(&[&HASTE[..], &WIDE].concat());
    world.settle().await;
    assert_eq!((world.crm.contacts().await.len(), world.crm.duplicates().await), (200, 0));
}

/// Calls of one record, six of them live at once; nearly all that is announced is left to the database.
const BY_ONE: [(&str, &str); 4] = [
    ("DISPATCHER__LANE_BATCH", "1"),
    ("DISPATCHER__LANE_PARALLEL", "6"),
    ("DISPATCHER__PUSH_PREFETCH", "8"),
    ("DISPATCHER__BULK_PREFETCH", "8"),
];

/// Waits for an answer for longer than a test takes.
const PATIENT: (&str, &str) = ("DISPATCHER__PLATFORM_TIMEOUT", "60s");

#[tokio::test]
async fn a_lane_that_lives_by_the_database_keeps_all_the_batches_that_it_may_have() {
    let world = World::quiet(&[&BY_ONE[..], &[PATIENT]].concat()).await;
    world.crm.faults(json!({"latency_ms": 1_000, "search_lag_ms": 0, "search_limit_per_s": null})).await;
    world.dispatch();
    world.accept((0..100).map(person).collect()).await;
    world.take_in().await;
    all_are_taken(&world).await;
    // Some rounds later, in which the batches of a lane, begun together, also end together.
    wait::until("some contacts to be there", DEADLINE, || async {
        let there = world.crm.contacts().await.len();
        if there >= 18 { Ok(()) } else { Err(there) }
    })
    .await;
    // Who has begun is not done before this test is.
    world.crm.faults(json!({"hang": true})).await;
    more_under_way_than(5, &world).await;
}

#[tokio::test]
async fn what_a_full_lane_does_not_announce_is_looked_for_at_once_by_a_worker_that_is_free() {
    let world = World::with(&[&BY_ONE[..], &[PATIENT]].concat()).await;
    let people = (0..3).map(|n| json!({"email": format!("p{n}@exemple.fr")})).collect();
    let ids = world.crm.import_contacts(people).await;
    // Who has begun is not done before this test is.
    world.crm.faults(json!({"hang": true})).await;
    world.deliver(&[told("creation", &ids[0])]).await;
    more_under_way_than(0, &world).await;
    // Beside that one, its lane has room for one of these.
    world.deliver(&[told("creation", &ids[1]), told("creation", &ids[2])]).await;
    more_under_way_than(2, &world).await;
}
