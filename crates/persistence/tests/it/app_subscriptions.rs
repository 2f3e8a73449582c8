//! Who looks after an app's subscriptions: one at a time, as often as it is time or somebody asked.

use std::time::Duration;

use domain::platform::PlatformSlug;
use domain::time::Timestamp;
use persistence::app_subscriptions::{self as table, Due, Hold};
use persistence::{Database, Scope};

use crate::world::World;

const DAY: Duration = Duration::from_hours(24);

fn hubspot() -> PlatformSlug {
    "hubspot".parse().unwrap()
}

async fn take(database: &Database, hold: Duration) -> Option<Hold> {
    let now = Timestamp::now();
    let due = Due { well: now.minus(DAY), wrong: now.minus(DAY / 24) };
    let mut tx = database.begin(Scope::System).await.unwrap();
    let taken = table::take(&mut tx, &hubspot(), due, hold).await.unwrap();
    tx.commit().await.unwrap();
    taken
}

async fn note(database: &Database, hold: Hold, problem: Option<&str>) {
    let mut tx = database.begin(Scope::System).await.unwrap();
    table::note(&mut tx, &hubspot(), hold, problem).await.unwrap();
    tx.commit().await.unwrap();
}

async fn ask(database: &Database) {
    let mut tx = database.begin(Scope::System).await.unwrap();
    table::ask(&mut tx, &hubspot()).await.unwrap();
    tx.commit().await.unwrap();
}

async fn known(world: &World) -> table::AppSubscription {
    let mut tx = world.gateway.begin(Scope::System).await.unwrap();
    let known = table::get(&mut tx, &hubspot(), Timestamp::now().minus(DAY)).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    known
}

async fn pass(world: &World, hours: u32) {
    let aged = format!("UPDATE app_subscriptions SET checked_at = checked_at - interval '{hours} hours'");
    testkit::execute(&world.server.url(), &aged).await;
}

#[tokio::test]
async fn one_looks_at_a_time_and_who_asks_meanwhile_is_heard_by_the_next() {
    let world = World::new().await;
    ask(&world.gateway).await;
    let first = take(&world.worker, DAY).await.expect("nobody has ever looked");
    assert_eq!(take(&world.worker, DAY).await, None, "somebody is at it");
    ask(&world.gateway).await;
    assert_eq!(take(&world.worker, DAY).await, None, "somebody is still at it");
    note(&world.worker, first, None).await;
    let second = take(&world.worker, DAY).await.expect("it was asked since the first began");
    note(&world.worker, second, None).await;
    assert_eq!(take(&world.worker, DAY).await, None, "it is not time");
}

#[tokio::test]
async fn it_is_looked_every_day_sooner_where_something_was_wrong_and_again_where_somebody_vanished() {
    let world = World::new().await;
    let first = take(&world.worker, DAY).await.unwrap();
    note(&world.worker, first, Some("the key is wrong")).await;
    pass(&world, 2).await;
    let second = take(&world.worker, DAY).await.expect("something was wrong");
    note(&world.worker, second, None).await;
    pass(&world, 2).await;
    assert_eq!(take(&world.worker, DAY).await, None);
    pass(&world, 24).await;
    let vanished = take(&world.worker, Duration::ZERO).await.expect("a day has passed");
    let third = take(&world.worker, DAY).await.expect("who held it is gone");
    note(&world.worker, vanished, Some("late")).await;
    let begun = known(&world).await;
    assert_eq!((begun.problem, begun.is_under_way), (None, true), "whoever comes late says nothing");
    note(&world.worker, third, None).await;
    assert!(!known(&world).await.is_under_way, "somebody has looked to the end");
    assert_eq!(take(&world.worker, DAY).await, None);
}
