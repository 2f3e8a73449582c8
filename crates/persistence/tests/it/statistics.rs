//! The statistics: what they count, that they count it once, and what is read from them.

use std::time::Duration;

use domain::outcome::{SyncOutcome, SyncType};
use domain::time::Timestamp;
use persistence::settings::{self, Settings};
use persistence::stats::{self, Span, Stats, Step, Whose};
use persistence::{Scope, sync_logs};

use crate::world::{Customer, World, number, try_to, words};

fn hours() -> Span {
    Span { step: Step::Hour, buckets: 24, time_zone: "UTC".to_owned(), now: Timestamp::now() }
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
    assert!(earlier.iter().all(|bucket| bucket.duration_ms.p50.is_none()), "{earlier:?}");
    assert!(now.iter().any(|bucket| bucket.duration_ms.p95 == Some(959)), "{now:?}");
    let by_direction: Vec<_> =
        stats.by_direction.iter().map(|part| (part.name.as_str(), part.success, part.failed)).collect();
    assert_eq!(by_direction, [("to_platform", 7, 2), ("from_platform", 1, 0)]);
    let [error] = &stats.top_errors[..] else { panic!("one remedy mends both: {:?}", stats.top_errors) };
    assert_eq!((error.count, error.code.as_str(), error.message.as_str()), (2, "INVALID_EMAIL", "e-mail 18 is none"));

    let nothing = read(&world, stranger, &hours()).await;
    assert_eq!((nothing.attempts, nothing.success_rate, nothing.duration_ms.p50), (0, None, None));
}

#[tokio::test]
async fn each_percentile_is_of_its_own_share() {
    let world = World::new().await;
    let customer = world.customer("1").await;
    let now = Timestamp::now();
    let took = |count: usize, duration_ms: u32| {
        (0..count).map(move |_| SyncOutcome { created_at: now, duration_ms, ..customer.success(0) })
    };
    // Up to 7 ms they are exact.
    let rows: Vec<_> = took(90, 3).chain(took(7, 5)).chain(took(3, 7)).collect();
    let mut tx = world.worker.begin(Scope::System).await.unwrap();
    sync_logs::insert_batch(&mut tx, &rows).await.unwrap();
    tx.commit().await.unwrap();
    let took = read(&world, customer, &hours()).await.duration_ms;
    assert_eq!((took.p50, took.p95, took.p99), (Some(3), Some(5), Some(7)));
}

#[tokio::test]
async fn days_begin_where_the_tenant_lives() {
    let world = World::new().await;
    let customer = world.customer("1").await;
    let mut tx = world.worker.begin(Scope::System).await.unwrap();
    sync_logs::insert_batch(&mut tx, &ten(customer)).await.unwrap();
    tx.commit().await.unwrap();
    for time_zone in ["Europe/Paris", "Pacific/Auckland", "UTC"] {
        let span = Span { step: Step::Day, buckets: 7, time_zone: time_zone.to_owned(), now: Timestamp::now() };
        let stats = read(&world, customer, &span).await;
        assert_eq!((stats.buckets.len(), stats.attempts), (7, 10), "{time_zone}");
        let mut tx = world.owner.begin(Scope::System).await.unwrap();
        let at = stats.buckets[6].at;
        let local = format!("SELECT to_char(timestamptz '{at}' AT TIME ZONE '{time_zone}', 'HH24:MI') AS word");
        assert_eq!(words(&mut tx, &local).await, ["00:00"], "{time_zone}");
    }
}

/// How many attempts of a tenant in this time zone are shown where these ended, by when the bucket begins; none is not shown.
///
/// The last of them ended now.
async fn counted(time_zone: &str, step: Step, ended: &[&str]) -> Vec<(String, i64)> {
    let world = World::new().await;
    let customer = world.customer("1").await;
    let at = |text: &str| Timestamp::parse(text).unwrap();
    let mut tx = world.owner.begin(Scope::System).await.unwrap();
    let wishes = Settings { time_zone: time_zone.parse().unwrap(), ..Settings::default() };
    assert!(settings::replace(&mut tx, customer.tenant, &wishes).await.unwrap());
    let rows: Vec<_> = ended.iter().map(|text| SyncOutcome { created_at: at(text), ..customer.success(0) }).collect();
    sync_logs::insert_batch(&mut tx, &rows).await.unwrap();
    tx.commit().await.unwrap();
    let (time_zone, now) = (time_zone.to_owned(), at(ended.last().unwrap()));
    let stats = read(&world, customer, &Span { step, buckets: 24, time_zone, now }).await;
    assert_eq!(stats.buckets.len(), 24);
    let total: i64 = stats.buckets.iter().map(|bucket| bucket.success).sum();
    assert_eq!((total, stats.attempts), (i64::try_from(ended.len()).unwrap(), total), "{stats:?}");
    let some = stats.buckets.iter().filter(|bucket| bucket.success > 0);
    some.map(|bucket| (bucket.at.to_string(), bucket.success)).collect()
}

fn begun(begin: &str, count: i64) -> (String, i64) {
    (Timestamp::parse(begin).unwrap().to_string(), count)
}

#[tokio::test]
async fn an_hour_that_is_shown_twice_is_two_and_one_that_is_left_out_is_none() {
    // At three o'clock summer time, clocks in Paris are put back to two.
    let autumn = ["2026-10-24T02:10:00Z", "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z", "2026-10-25T01:40:00Z"];
    let expected =
        [begun("2026-10-24T02:00:00Z", 1), begun("2026-10-25T00:00:00Z", 1), begun("2026-10-25T01:00:00Z", 2)];
    assert_eq!(counted("Europe/Paris", Step::Hour, &autumn).await, expected);
    // At two o'clock, they are put forward to three.
    let spring = ["2026-03-29T00:59:00Z", "2026-03-29T01:01:00Z", "2026-03-29T02:00:00Z"];
    let expected =
        [begun("2026-03-29T00:00:00Z", 1), begun("2026-03-29T01:00:00Z", 1), begun("2026-03-29T02:00:00Z", 1)];
    assert_eq!(counted("Europe/Paris", Step::Hour, &spring).await, expected);
}

#[tokio::test]
async fn a_day_is_as_long_as_the_clocks_say() {
    // From midnight to midnight these are 25 hours, and then 23.
    let autumn = ["2026-10-24T21:59:59Z", "2026-10-24T22:00:00Z", "2026-10-25T22:59:59Z", "2026-10-25T23:00:00Z"];
    let expected =
        [begun("2026-10-23T22:00:00Z", 1), begun("2026-10-24T22:00:00Z", 2), begun("2026-10-25T23:00:00Z", 1)];
    assert_eq!(counted("Europe/Paris", Step::Day, &autumn).await, expected);
    let spring = ["2026-03-28T22:59:59Z", "2026-03-28T23:00:00Z", "2026-03-29T21:59:59Z", "2026-03-29T22:00:00Z"];
    let expected =
        [begun("2026-03-27T23:00:00Z", 1), begun("2026-03-28T23:00:00Z", 2), begun("2026-03-29T22:00:00Z", 1)];
    assert_eq!(counted("Europe/Paris", Step::Day, &spring).await, expected);
}

#[tokio::test]
async fn hours_and_days_of_clocks_that_are_half_an_hour_off_are_their_own() {
    // 15:59, 16:00, 16:59 and 17:10 there.
    let ended = ["2026-11-22T10:29:00Z", "2026-11-22T10:30:00Z", "2026-11-22T11:29:00Z", "2026-11-22T11:40:00Z"];
    let expected =
        [begun("2026-11-22T09:30:00Z", 1), begun("2026-11-22T10:30:00Z", 2), begun("2026-11-22T11:30:00Z", 1)];
    assert_eq!(counted("Asia/Kolkata", Step::Hour, &ended).await, expected);
    // A minute before midnight, and midnight.
    let ended = ["2026-11-21T18:29:00Z", "2026-11-21T18:30:00Z"];
    let expected = [begun("2026-11-20T18:30:00Z", 1), begun("2026-11-21T18:30:00Z", 1)];
    assert_eq!(counted("Asia/Kolkata", Step::Day, &ended).await, expected);
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
