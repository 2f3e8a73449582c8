//! The logs: written once however often they arrive, counted once, kept by the day.

use std::cmp::Reverse;

use domain::field::FieldValue;
use domain::id::{SyncLogId, WebhookLogId};
use domain::integration::Status;
use domain::kind::RecordKind;
use domain::outcome::{SyncOutcome, SyncType, ValueChange, WebhookOutcome, WebhookResult};
use domain::time::Timestamp;
use persistence::log_page::{LogPage, LogRow as _};
use persistence::sync_logs::{self, Filter, LogStatus, Way};
use persistence::{Scope, Transaction, health, log_partitions, webhook_logs};
use serde_json::json;

use crate::world::{Customer, World, number, try_to, words};

async fn health_of(tx: &mut Transaction, customer: Customer) -> health::Health {
    health::get(tx, customer.tenant, customer.integration).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_redelivered_batch_meets_itself_and_is_counted_once() {
    let world = World::new().await;
    let customer = world.customer("1").await;
    let batch = [customer.success(1), customer.failure(2, "no"), customer.failure(3, "no address")];
    let mut tx = world.worker.begin(Scope::System).await.unwrap();
    let twice: Vec<_> = batch.iter().chain(&batch).cloned().collect();
    assert_eq!(sync_logs::insert_batch(&mut tx, &twice).await.unwrap().len(), 3);
    let once = health_of(&mut tx, customer).await;
    assert_eq!(sync_logs::insert_batch(&mut tx, &batch).await.unwrap(), []);
    assert_eq!(health_of(&mut tx, customer).await, once);
    assert_eq!((once.error_count, once.last_error.as_deref()), (2, Some("no address")));
    assert_eq!(once.last_sync_at, Some(batch[2].created_at));
    assert_eq!(once.last_sync_status.as_deref(), Some("failed"));
    assert_eq!(once.last_success_at, Some(batch[0].created_at));
    let more = [batch[2].clone(), customer.success(4)];
    assert_eq!(sync_logs::insert_batch(&mut tx, &more).await.unwrap(), [more[1].id]);
    let healed = health_of(&mut tx, customer).await;
    assert_eq!((healed.error_count, healed.last_sync_status.as_deref()), (0, Some("success")));
    assert_eq!(number(&mut tx, "SELECT count(*) AS number FROM integration_sync_logs").await, 4);
}

#[tokio::test]
async fn some_failures_in_a_row_are_an_error_and_one_success_mends_it() {
    let world = World::new().await;
    let customer = world.customer("1").await;
    let mut tx = world.worker.begin(Scope::System).await.unwrap();
    for (millis, status) in [(1, Status::Active), (2, Status::Active), (3, Status::Error)] {
        sync_logs::insert_batch(&mut tx, &[customer.failure(millis, "refused")]).await.unwrap();
        assert_eq!(health_of(&mut tx, customer).await.status, status, "after failure {millis}");
    }
    assert_eq!(health_of(&mut tx, customer).await.cause.as_deref(), Some("refused"));
    // It arrives late: it says nothing of the failures that came after it.
    sync_logs::insert_batch(&mut tx, &[customer.success(0)]).await.unwrap();
    assert_eq!(health_of(&mut tx, customer).await.status, Status::Error);
    sync_logs::insert_batch(&mut tx, &[customer.success(4)]).await.unwrap();
    let healed = health_of(&mut tx, customer).await;
    assert_eq!((healed.status, healed.cause, healed.error_count), (Status::Active, None, 0));
}

#[tokio::test]
async fn a_lost_grant_is_not_mended_by_what_was_under_way() {
    let world = World::new().await;
    let customer = world.customer("1").await;
    let mut tx = world.worker.begin(Scope::System).await.unwrap();
    let (tenant, id) = (customer.tenant, customer.integration);
    health::set_status(&mut tx, tenant, id, Status::ReauthRequired, Some("revoked")).await.unwrap();
    sync_logs::insert_batch(&mut tx, &[customer.success(1)]).await.unwrap();
    let after = health_of(&mut tx, customer).await;
    assert_eq!((after.status, after.cause.as_deref()), (Status::ReauthRequired, Some("revoked")));
}

#[tokio::test]
async fn what_postgresql_cannot_store_is_stored_without_it() {
    let world = World::new().await;
    let customer = world.customer("1").await;
    let mut row = customer.failure(1, "bad\0byte");
    row.request = Some(json!({"a\0b": "c\0d"}));
    row.response = Some(json!("é".repeat(40_000)));
    let change = |after: &str| ValueChange { before: FieldValue::Null, after: FieldValue::text(after) };
    row.changes = [("c\0".to_owned(), change("d\0")), ("e".to_owned(), change(&"é".repeat(400)))].into();
    let mut tx = world.worker.begin(Scope::System).await.unwrap();
    sync_logs::insert_batch(&mut tx, &[row.clone()]).await.unwrap();
    let page = LogPage { after: None, limit: 10 };
    let target = (customer.tenant, customer.integration);
    let logs = sync_logs::list(&mut tx, target, Filter::default(), &page).await.unwrap();
    assert_eq!(logs[0].error_message.as_deref(), Some("badbyte"));
    assert_eq!(logs[0].payload_sent, Some(json!({"ab": "cd"})));
    let note = logs[0].response_received.as_ref().unwrap()["note"].as_str().unwrap();
    assert!(note.starts_with("cut: 80002 bytes"), "{note}");
    let cut = change(&format!("{}…", "é".repeat(300)));
    assert_eq!(logs[0].changes, [("c".to_owned(), change("d")), ("e".to_owned(), cut)].into());
}

#[tokio::test]
async fn fields_for_which_there_is_no_room_are_counted() {
    let world = World::new().await;
    let customer = world.customer("1").await;
    let change = ValueChange { before: FieldValue::Null, after: FieldValue::text("x".repeat(300)) };
    let mut row = customer.success(1);
    row.changes = (0..200).map(|n| (format!("field_{n:03}"), change.clone())).collect();
    let mut tx = world.worker.begin(Scope::System).await.unwrap();
    sync_logs::insert_batch(&mut tx, &[row]).await.unwrap();
    let (page, target) = (LogPage { after: None, limit: 1 }, (customer.tenant, customer.integration));
    let log = sync_logs::list(&mut tx, target, Filter::default(), &page).await.unwrap().remove(0);
    assert!((50..150).contains(&log.changes.len()), "{}", log.changes.len());
    assert_eq!(log.changes_left_out, i64::try_from(200 - log.changes.len()).unwrap());
}

#[tokio::test]
async fn the_list_pages_through_everything_once_and_filters() {
    let world = World::new().await;
    let customer = world.customer("1").await;
    // Several of one moment: the place behind a row must not be its time alone.
    let mut rows: Vec<_> = (0..7).map(|n| customer.success(n / 3)).collect();
    rows[2] = customer.failure(0, "no");
    rows[5].sync_type = SyncType::Adopt;
    let mut tx = world.worker.begin(Scope::System).await.unwrap();
    sync_logs::insert_batch(&mut tx, &rows).await.unwrap();
    let target = (customer.tenant, customer.integration);
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = LogPage { after, limit: 2 };
        let logs = sync_logs::list(&mut tx, target, Filter::default(), &page).await.unwrap();
        let Some(last) = logs.last() else { break };
        after = Some(last.cursor().to_string().parse().unwrap());
        seen.extend(logs.iter().map(|log| (log.created_at, log.id)));
    }
    let mut expected: Vec<_> = rows.iter().map(|row| (row.created_at, row.id)).collect();
    expected.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.to_string().cmp(&b.1.to_string())));
    assert_eq!(seen, expected);

    let all = LogPage { after: None, limit: 100 };
    let failed = Filter { status: Some(LogStatus::Failed), ..Filter::default() };
    let failed = sync_logs::list(&mut tx, target, failed, &all).await.unwrap();
    assert_eq!(failed.iter().map(|log| log.id).collect::<Vec<_>>(), [rows[2].id]);
    assert!(failed[0].fingerprint.as_ref().unwrap().starts_with("invalid:INVALID_EMAIL:"));
    let adopted = Filter { sync_type: Some(SyncType::Adopt), ..Filter::default() };
    let adopted = sync_logs::list(&mut tx, target, adopted, &all).await.unwrap();
    assert_eq!(
        adopted.iter().map(|log| (log.id, log.direction.as_str())).collect::<Vec<_>>(),
        [(rows[5].id, "from_platform")]
    );
}

fn is_wanted(row: &SyncOutcome, wish: &Filter) -> bool {
    let way = if row.sync_type == SyncType::Adopt { Way::FromPlatform } else { Way::ToPlatform };
    let status = if row.error.is_some() { LogStatus::Failed } else { LogStatus::Success };
    wish.sync_type.is_none_or(|it| it == row.sync_type)
        && wish.kind.is_none_or(|it| it == row.kind)
        && wish.direction.is_none_or(|it| it == way)
        && wish.status.is_none_or(|it| it == status)
        && wish.since.is_none_or(|it| it <= row.created_at)
        && wish.until.is_none_or(|it| it > row.created_at)
}

/// Every kind of attempt that can be asked for, at times that take turns.
fn wishes(rows: &[SyncOutcome]) -> Vec<Filter> {
    let at = |place: usize| Some(rows[place].created_at);
    let statuses = [None, Some(LogStatus::Success), Some(LogStatus::Failed)];
    let sync_types = [None, Some(SyncType::Adopt), Some(SyncType::Delete)];
    let kinds = [None, Some(RecordKind::Deal), Some(RecordKind::Order)];
    let directions = [None, Some(Way::ToPlatform), Some(Way::FromPlatform)];
    // Some in the middle of an hour, of which some are left.
    let times = [(None, None), (at(9), None), (None, at(87)), (at(30), at(55))];
    let wish = |n: usize| Filter {
        status: statuses[n % 3],
        sync_type: sync_types[n / 3 % 3],
        kind: kinds[n / 9 % 3],
        direction: directions[n / 27],
        since: times[n % 4].0,
        until: times[n % 4].1,
        ..Filter::default()
    };
    (0..81).map(wish).collect()
}

/// All that a filter lets through, page by page; one that is not full is the last.
async fn walk(tx: &mut Transaction, customer: Customer, wish: &Filter) -> Vec<SyncLogId> {
    let (limit, mut seen, mut after) = (7_u32, Vec::new(), None);
    loop {
        let page = LogPage { after, limit };
        let whose = (customer.tenant, customer.integration);
        let logs = sync_logs::list(tx, whose, wish.clone(), &page).await.unwrap();
        seen.extend(logs.iter().map(|log| log.id));
        after = logs.last().map(sync_logs::SyncLog::cursor);
        if logs.len() < usize::try_from(limit).unwrap() {
            return seen;
        }
    }
}

#[tokio::test]
async fn attempts_of_a_sort_that_is_rare_are_all_found_in_their_order() {
    let world = World::new().await;
    let customer = world.customer("1").await;
    let quarter = 15 * 60 * 1_000;
    // Two of each moment, over a day and some hours of the next.
    let row = |n: i64| {
        let at = n / 2 * 2 * quarter;
        let row = if n % 5 == 0 { customer.failure(at, "no") } else { customer.success(at) };
        let sync_type = if n % 3 == 0 { SyncType::Adopt } else { SyncType::Update };
        SyncOutcome { sync_type, kind: if n % 7 == 0 { RecordKind::Deal } else { RecordKind::Contact }, ..row }
    };
    let mut rows: Vec<_> = (0..100).map(row).collect();
    let mut owner = world.owner.begin(Scope::System).await.unwrap();
    let day = "CREATE TABLE integration_sync_logs_p20261122 PARTITION OF integration_sync_logs
               FOR VALUES FROM ('2026-11-22 00:00+00') TO ('2026-11-23 00:00+00')";
    try_to(&mut owner, day).await.unwrap();
    owner.commit().await.unwrap();
    let mut tx = world.worker.begin(Scope::System).await.unwrap();
    // Half of them are counted by clocks whose hours lie across those of the others.
    for (half, time_zone) in ["Europe/Paris", "Asia/Kolkata"].into_iter().enumerate() {
        let mut owner = world.owner.begin(Scope::System).await.unwrap();
        let wish = format!(
            "INSERT INTO tenant_settings (tenant_id, language, time_zone) VALUES ('{}', 'fr', '{time_zone}')
             ON CONFLICT (tenant_id) DO UPDATE SET time_zone = excluded.time_zone",
            customer.tenant
        );
        try_to(&mut owner, &wish).await.unwrap();
        owner.commit().await.unwrap();
        let half: Vec<_> = rows.iter().skip(half).step_by(2).cloned().collect();
        sync_logs::insert_batch(&mut tx, &half).await.unwrap();
    }
    let wishes = wishes(&rows);
    rows.sort_by_key(|row| (Reverse(row.created_at), row.id.to_string()));
    // As it was counted; when the older half of what was counted is forgotten; when all of it is.
    for forgotten in [0, 50, 100] {
        let until = customer.success(forgotten * quarter).created_at;
        let forget = format!("DELETE FROM integration_stats_hourly WHERE hour < '{until}'");
        try_to(&mut tx, &forget).await.unwrap();
        for wish in &wishes {
            let expected: Vec<_> = rows.iter().filter(|row| is_wanted(row, wish)).map(|row| row.id).collect();
            assert_eq!(walk(&mut tx, customer, wish).await, expected, "{wish:?}, {forgotten} forgotten");
        }
    }
}

#[tokio::test]
async fn an_attempt_is_found_whatever_its_id_says_of_its_time_and_what_belongs_to_it_is_planned_for_once() {
    let world = World::new().await;
    let customer = world.customer("1").await;
    // Its id says that it is of now, and its time that it is of another day.
    let old = customer.success(0);
    let new = SyncOutcome { created_at: Timestamp::now(), link_id: old.link_id, ..customer.success(0) };
    let mut tx = world.worker.begin(Scope::System).await.unwrap();
    sync_logs::insert_batch(&mut tx, &[old.clone(), new.clone()]).await.unwrap();
    let target = (customer.tenant, customer.integration);
    for row in [&old, &new] {
        let found = sync_logs::get(&mut tx, target, row.id).await.unwrap().unwrap();
        assert_eq!((found.id, found.created_at), (row.id, row.created_at));
    }
    assert_eq!(sync_logs::get(&mut tx, target, SyncLogId::new()).await.unwrap(), None);

    let mut both = [&old, &new];
    both.sort_by_key(|row| row.created_at);
    let ids = both.map(|row| row.id);
    let newest = sync_logs::get(&mut tx, target, ids[1]).await.unwrap().unwrap();
    let before = sync_logs::before(&mut tx, customer.tenant, &newest, 10).await.unwrap();
    assert_eq!(before.iter().map(|log| log.id).collect::<Vec<_>>(), [ids[0]]);
    let trace = sync_logs::of_trace(&mut tx, customer.tenant, &old.correlation_id, 10).await.unwrap();
    assert_eq!(trace.iter().map(|log| log.id).collect::<Vec<_>>(), ids);
    assert_eq!(webhook_logs::of_trace(&mut tx, customer.tenant, &old.correlation_id, 10).await.unwrap(), []);
    let planned_once = "SELECT count(*) AS number FROM pg_prepared_statements
                        WHERE generic_plans > 0 AND custom_plans = 0 AND statement LIKE 'SELECT id, created_at, %'";
    assert_eq!(number(&mut tx, planned_once).await, 3);
}

#[tokio::test]
async fn deliveries_are_kept_once_and_a_refused_one_without_its_body() {
    let world = World::new().await;
    let customer = world.customer("1").await;
    let delivery = |result, tenant: bool| WebhookOutcome {
        id: WebhookLogId::new(),
        created_at: Timestamp::now(),
        platform: "hubspot".parse().unwrap(),
        tenant_id: tenant.then_some(customer.tenant),
        integration_id: tenant.then_some(customer.integration),
        delivery_id: Some("d1".to_owned()),
        result,
        body: Some(json!([{"objectId": 1}])),
        correlation_id: String::new(),
    };
    let refused = delivery(WebhookResult::Refused { reason: "bad_signature".to_owned() }, false);
    let applied = delivery(WebhookResult::Applied { marked: 2 }, true);
    let batch = [refused, applied.clone()];
    let mut tx = world.worker.begin(Scope::System).await.unwrap();
    assert_eq!(webhook_logs::insert_batch(&mut tx, &batch).await.unwrap().len(), 2);
    assert_eq!(webhook_logs::insert_batch(&mut tx, &batch).await.unwrap(), []);
    let bodies = "SELECT outcome || coalesce(body::text, ' without a body') AS word FROM integration_webhook_logs
                  WHERE NOT verified";
    assert_eq!(words(&mut tx, bodies).await, ["refused without a body"]);
    let page = LogPage { after: None, limit: 10 };
    let logs =
        webhook_logs::list(&mut tx, (customer.tenant, customer.integration), &webhook_logs::Filter::default(), &page)
            .await
            .unwrap();
    assert_eq!(logs.iter().map(|log| (log.id, log.marked)).collect::<Vec<_>>(), [(applied.id, Some(2))]);
}

#[tokio::test]
async fn workers_make_partitions_ahead_and_drop_old_ones_with_their_rows() {
    let world = World::new().await;
    let customer = world.customer("1").await;
    let at = |at: Timestamp| {
        let mut row = customer.success(0);
        row.created_at = at;
        row
    };
    let mut tx = world.worker.begin(Scope::System).await.unwrap();
    // These come before any partition was made, and are moved when it is.
    sync_logs::insert_batch(&mut tx, &[at(Timestamp::now()), customer.success(0)]).await.unwrap();
    assert_eq!(log_partitions::ensure(&mut tx, 2).await.unwrap(), 6);
    assert_eq!(log_partitions::ensure(&mut tx, 2).await.unwrap(), 0);
    tx.commit().await.unwrap();
    let where_they_are = "SELECT tableoid::regclass::text AS word FROM integration_sync_logs
                          WHERE created_at >= date_trunc('day', now(), 'UTC')";
    let today = format!("integration_sync_logs_p{}", chrono::Utc::now().format("%Y%m%d"));
    let mut tx = world.worker.begin(Scope::System).await.unwrap();
    assert!(words(&mut tx, where_they_are).await.contains(&today));
    tx.commit().await.unwrap();

    let mut tx = world.owner.begin(Scope::System).await.unwrap();
    let old = [
        "CREATE TABLE integration_sync_logs_p20200101 PARTITION OF integration_sync_logs
             FOR VALUES FROM ('2020-01-01') TO ('2020-01-02')",
        "INSERT INTO integration_sync_logs (id, created_at, tenant_id, integration_id, sync_type, direction, status, kind,
             link_id, duration_ms, attempt, correlation_id)
         SELECT 'log_old', day, 't', 'i', 'read', 'from_platform', 'success', 'contact', 'l', 1, 1, ''
         FROM unnest(ARRAY['2020-01-01 12:00+00', '2019-01-01 12:00+00']::timestamptz[]) AS day",
    ];
    for statement in old {
        try_to(&mut tx, statement).await.unwrap();
    }
    tx.commit().await.unwrap();
    let mut tx = world.worker.begin(Scope::System).await.unwrap();
    assert_eq!(log_partitions::drop_older(&mut tx, 30).await.unwrap(), 1);
    let left = "SELECT count(*) AS number FROM integration_sync_logs WHERE id = 'log_old'";
    assert_eq!(number(&mut tx, left).await, 0);
    assert!(words(&mut tx, where_they_are).await.contains(&today));
    assert!(log_partitions::drop_older(&mut tx, 0).await.is_err());
}
