//! The statistics: what they count, that they count it once, and what is read from them.

use std::time::Duration;

use domain::outcome::{SyncOutcome, SyncType};
use domain::time::Timestamp;
use persistence::stats::{self, Span, Stats, Step, Whose};
use persistence::{Scope, sync_logs};

use crate::world::{Customer, World, number, try_to, words};

fn hours() -> Span {
    Span { step: Step::Hour, buckets: 24, time_zone: "UTC".to_owned() }
}

async fn read(world: &World, customer: Customer, span: &Span) -> Stats {
    let mut tx = world.gateway.begin(Scope::Tenant(customer.tenant)).await.unwrap();
    let whose = Whose { tenant: customer.tenant, integration: Some(customer.integration) };
    let found = stats::read(&mut tx, whose, span).await.unwrap();
    let all = stats::read(&mut tx, Whose { integration: None, ..whose }, span).await.unwrap();
    assert_eq!(Stats { drift: Vec::new(), ..all }, Stats { drift: Vec::new(), ..found.clone() });
    found
}

/// Ten that ended now: seven first attempts of which six succeed, and three retries.
fn ten(customer: Customer) -> Vec<SyncOutcome> {
    let now = Timestamp::now();
    let at = |mut row: SyncOutcome, attempt, duration_ms| {
        (row.created_at, row.attempt, row.duration_ms) = (now, attempt, duration_ms);
        row
    };
    let mut rows: Vec<_> = (0..6).map(|_| at(customer.success(0), 1, 5)).collect();
    rows.push(at(customer.failure(0, "e-mail 17 is none"), 1, 5));
    rows.push(at(customer.failure(0, "e-mail 18 is none"), 2, 5));
    rows.push(at(customer.success(0), 3, 1_000));
    rows.push(SyncOutcome { sync_type: SyncType::Read, ..at(customer.success(0), 2, 5) });
    rows
}

#[tokio::test]
async fn what_happened_is_counted_and_read_back() {
    let world = World::new().await;
    let (customer, stranger) = (world.customer("1").await, world.customer("2").await);
    let mut tx = world.worker.begin(Scope::System).await.unwrap();
    sync_logs::insert_batch(&mut tx, &ten(customer)).await.unwrap();
    tx.commit().await.unwrap();

    let stats = read(&world, customer, &hours()).await;
    assert_eq!((stats.attempts, stats.retries, stats.success_rate), (10, 3, Some(0.8)));
    assert_eq!(stats.first_attempt_success_rate, Some(6.0 / 7.0));
    assert_eq!((stats.duration_ms.p50, stats.duration_ms.p95), (Some(5), Some(959)));
    assert_eq!(stats.buckets.len(), 24);
    let (earlier, now) = stats.buckets.split_at(22);
    assert!(earlier.iter().all(|bucket| bucket.success + bucket.failed == 0), "{earlier:?}");
    // The hour may have ended meanwhile.
    assert_eq!(
        now.iter().map(|bucket| (bucket.success, bucket.failed)).fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1)),
        (8, 2)
    );
    let by_direction: Vec<_> =
        stats.by_direction.iter().map(|part| (part.name.as_str(), part.success, part.failed)).collect();
    assert_eq!(by_direction, [("to_platform", 7, 2), ("from_platform", 1, 0)]);
    let [error] = &stats.top_errors[..] else { panic!("one remedy mends both: {:?}", stats.top_errors) };
    assert_eq!((error.count, error.code.as_str(), error.message.as_str()), (2, "INVALID_EMAIL", "e-mail 18 is none"));

    let nothing = read(&world, stranger, &hours()).await;
    assert_eq!((nothing.attempts, nothing.success_rate, nothing.duration_ms.p50), (0, None, None));
}

#[tokio::test]
async fn days_begin_where_the_tenant_lives() {
    let world = World::new().await;
    let customer = world.customer("1").await;
    let mut tx = world.worker.begin(Scope::System).await.unwrap();
    sync_logs::insert_batch(&mut tx, &ten(customer)).await.unwrap();
    tx.commit().await.unwrap();
    for time_zone in ["Europe/Paris", "Pacific/Auckland", "UTC"] {
        let span = Span { step: Step::Day, buckets: 7, time_zone: time_zone.to_owned() };
        let stats = read(&world, customer, &span).await;
        assert_eq!((stats.buckets.len(), stats.attempts), (7, 10), "{time_zone}");
        let mut tx = world.owner.begin(Scope::System).await.unwrap();
        let at = stats.buckets[6].at;
        let local = format!("SELECT to_char(timestamptz '{at}' AT TIME ZONE '{time_zone}', 'HH24:MI') AS word");
        assert_eq!(words(&mut tx, &local).await, ["00:00"], "{time_zone}");
    }
}

#[tokio::test]
async fn a_batch_that_comes_again_counts_once_and_two_writers_count_together() {
    let world = World::new().await;
    let customer = world.customer("1").await;
    let rows = ten(customer);
    let write = async |rows: &[SyncOutcome]| {
        let mut tx = world.worker.begin(Scope::System).await.unwrap();
        sync_logs::insert_batch(&mut tx, rows).await.unwrap();
        tx.commit().await.unwrap();
    };
    let backwards: Vec<_> = rows.iter().rev().cloned().collect();
    // Each writes everything, in another order, at once.
    tokio::join!(write(&rows), write(&backwards));
    let once = read(&world, customer, &hours()).await;
    assert_eq!((once.attempts, once.retries), (10, 3));
    write(&[rows.clone(), backwards].concat()).await;
    assert_eq!(read(&world, customer, &hours()).await, once);
}

#[tokio::test]
async fn what_is_owed_is_sampled_once_however_many_look() {
    let world = World::new().await;
    let customer = world.customer("1").await;
    let mut tx = world.owner.begin(Scope::System).await.unwrap();
    let (tenant, integration) = (customer.tenant, customer.integration);
    for (name, blocked) in [("a", "NULL"), ("b", "now()")] {
        let record = domain::id::RecordId::new();
        try_to(
            &mut tx,
            &format!("INSERT INTO records (id, tenant_id, kind) VALUES ('{record}', '{tenant}', 'contact')"),
        )
        .await
        .unwrap();
        let link = format!(
            "INSERT INTO record_links (id, tenant_id, integration_id, record_id, kind, wanted_version, blocked_at)
             VALUES ('{name}', '{tenant}', '{integration}', '{record}', 'contact', 1, {blocked})"
        );
        try_to(&mut tx, &link).await.unwrap();
    }
    tx.commit().await.unwrap();
    let a_century = Duration::from_hours(24 * 365 * 100);
    for _ in 0..2 {
        let mut tx = world.worker.begin(Scope::System).await.unwrap();
        stats::sample_drift(&mut tx, a_century).await.unwrap();
        tx.commit().await.unwrap();
    }
    let mut tx = world.worker.begin(Scope::System).await.unwrap();
    assert_eq!(number(&mut tx, "SELECT count(*) AS number FROM integration_drift_samples").await, 1);
    try_to(&mut tx, "UPDATE integration_drift_samples SET at = now()").await.unwrap();
    tx.commit().await.unwrap();
    let [point] = &read(&world, customer, &hours()).await.drift[..] else { panic!("one sample") };
    assert_eq!((point.owed, point.blocked), (1, 1));
}
