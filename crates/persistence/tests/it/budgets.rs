//! Budgets under concurrency.

use std::time::{Duration, Instant};

use domain::budget::{Lease, Purpose, Rate};
use domain::platform::PlatformSlug;
use persistence::{Database, Scope, budgets};

use crate::world::{World, words};

const RATE: Rate = Rate { per_second: 20.0, burst: 10 };

fn hubspot() -> PlatformSlug {
    "hubspot".parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_together_never_get_more_than_the_account_has() {
    let world = World::new().await;
    let started = Instant::now();
    let replicas: Vec<_> = (0..8)
        .map(|_| {
            let database = world.worker.clone();
            tokio::spawn(async move {
                let mut granted = 0;
                for _ in 0..25 {
                    match budgets::take(&database, &hubspot(), "1", (Purpose::Live, 7), RATE).await.unwrap() {
                        Lease::Granted(requests) => granted += requests,
                        Lease::Wait(wait) => assert!(wait <= Duration::from_millis(60), "{wait:?}"),
                    }
                }
                granted
            })
        })
        .collect();
    let mut granted = 0;
    for replica in replicas {
        granted += replica.await.unwrap();
    }
    let allowed = f64::from(RATE.burst) + RATE.per_second * started.elapsed().as_secs_f64();
    assert!(granted >= RATE.burst, "{granted}: the bucket was full at first");
    assert!(f64::from(granted) <= allowed, "{granted} of {allowed}");
}

#[tokio::test]
async fn a_lease_is_half_a_seconds_worth_at_most_and_an_empty_bucket_says_how_long_to_wait() {
    let world = World::new().await;
    let slow = Rate { per_second: 0.1, burst: 3 };
    let take = async |account: &'static str, wanted, rate| {
        budgets::take(&world.gateway, &hubspot(), account, (Purpose::Live, wanted), rate).await.unwrap()
    };
    assert_eq!(take("fast", 100, Rate { per_second: 20.0, burst: 100 }).await, Lease::Granted(10));
    for _ in 0..3 {
        assert_eq!(take("slow", 2, slow).await, Lease::Granted(1));
    }
    let Lease::Wait(wait) = take("slow", 1, slow).await else { panic!("the bucket is empty") };
    assert!(wait > Duration::from_secs(1) && wait <= Duration::from_secs(10), "{wait:?}");
    assert_eq!(take("another", 1, slow).await, Lease::Granted(1));
}

#[tokio::test]
async fn a_pause_and_a_correction_are_heeded() {
    let world = World::new().await;
    let slow = Rate { per_second: 0.1, burst: 10 };
    let take = async |account: &'static str| {
        budgets::take(&world.worker, &hubspot(), account, (Purpose::Live, 1), slow).await.unwrap()
    };
    assert_eq!(take("corrected").await, Lease::Granted(1));
    let mut tx = world.worker.begin(Scope::System).await.unwrap();
    budgets::correct(&mut tx, &hubspot(), "corrected", 0).await.unwrap();
    budgets::pause(&mut tx, &hubspot(), "paused", Duration::from_secs(3_600)).await.unwrap();
    let left = budgets::paused_for(&mut tx, &hubspot(), "paused").await.unwrap();
    assert!(left.is_some_and(|left| left > Duration::from_secs(3_500)), "{left:?}");
    assert_eq!(budgets::paused_for(&mut tx, &hubspot(), "corrected").await.unwrap(), None);
    tx.commit().await.unwrap();
    assert!(matches!(take("corrected").await, Lease::Wait(wait) if wait <= Duration::from_secs(10)));
    assert!(matches!(take("paused").await, Lease::Wait(wait) if wait > Duration::from_secs(3_500)));
}

#[tokio::test]
async fn asking_an_account_that_is_left_alone_costs_no_connection() {
    let world = World::new().await;
    let database = Database::new(&world.server.worker_url().into(), 1, Duration::from_secs(30));
    let session = async || {
        let mut tx = database.begin(Scope::System).await.unwrap();
        let session = words(&mut tx, "SELECT pg_backend_pid()::text AS word").await;
        tx.commit().await.unwrap();
        session
    };
    let before = session().await;
    let mut tx = database.begin(Scope::System).await.unwrap();
    budgets::pause(&mut tx, &hubspot(), "paused", Duration::from_secs(3_600)).await.unwrap();
    tx.commit().await.unwrap();
    for _ in 0..2 {
        let lease = budgets::take(&database, &hubspot(), "paused", (Purpose::Live, 1), RATE).await.unwrap();
        assert!(matches!(lease, Lease::Wait(_)), "{lease:?}");
    }
    assert_eq!(session().await, before);
}

#[tokio::test]
async fn what_is_reserved_is_there_at_once_for_what_happens_now() {
    let world = World::new().await;
    let slow = Rate { per_second: 0.1, burst: 6 };
    let take = async |purpose| budgets::take(&world.worker, &hubspot(), "1", (purpose, 1), slow).await.unwrap();
    for _ in 0..3 {
        assert_eq!(take(Purpose::BackFill).await, Lease::Granted(1));
    }
    let sent_away = take(Purpose::BackFill).await;
    assert!(matches!(sent_away, Lease::Wait(wait) if wait <= Duration::from_secs(10)), "{sent_away:?}");
    for _ in 0..2 {
        assert_eq!(take(Purpose::Live).await, Lease::Granted(1));
    }
    // What comes in now is live work's first.
    assert!(matches!(take(Purpose::BackFill).await, Lease::Wait(wait) if wait > Duration::from_secs(20)));
    assert_eq!(take(Purpose::Live).await, Lease::Granted(1));
}

#[tokio::test]
async fn what_comes_in_while_a_back_fill_waits_is_kept_for_it_to_a_share() {
    let world = World::new().await;
    let rate = Rate { per_second: 0.1, burst: 4 };
    let take = async |purpose| budgets::take(&world.worker, &hubspot(), "1", (purpose, 1), rate).await.unwrap();
    while let Lease::Granted(_) = take(Purpose::Live).await {}
    assert!(matches!(take(Purpose::BackFill).await, Lease::Wait(_)));
    world.age_budgets(Duration::from_secs(20)).await;
    assert_eq!(take(Purpose::Live).await, Lease::Granted(1));
    assert!(matches!(take(Purpose::BackFill).await, Lease::Wait(_)), "that would be more than its share");
    world.age_budgets(Duration::from_secs(31)).await;
    while let Lease::Granted(_) = take(Purpose::Live).await {}
    assert_eq!(take(Purpose::BackFill).await, Lease::Granted(1), "it starves");
    assert!(matches!(take(Purpose::BackFill).await, Lease::Wait(_)));
}
