//! Lists of what is rare: found by what they are asked for, without reading what lies beside it.

use domain::id::WebhookLogId;
use domain::kind::RecordKind;
use domain::outcome::{SyncOutcome, SyncType, WebhookOutcome, WebhookResult};
use domain::time::Timestamp;
use persistence::log_page::LogPage;
use persistence::sync_logs::{self, Filter};
use persistence::webhook_logs::{self, Became};
use persistence::{Scope, Transaction};

use crate::world::{Customer, World, number, try_to};

const HOUR: i64 = 60 * 60 * 1_000;

const PAGE: LogPage = LogPage { after: None, limit: 50 };

/// Rows of the logs that this connection has read until now.
async fn rows_read(tx: &mut Transaction) -> i64 {
    let read = "SELECT sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0))::bigint AS number
                FROM pg_stat_xact_user_tables WHERE relname ~ '^integration_(sync|webhook)_logs'";
    number(tx, read).await
}

/// As autovacuum leaves a table.
async fn analyse(world: &World, table: &str) {
    let mut owner = world.owner.begin(Scope::System).await.unwrap();
    try_to(&mut owner, &format!("ANALYZE {table}")).await.unwrap();
    owner.commit().await.unwrap();
}

/// Two thousand attempts of an hour, of which two are removals and three with deals; and one of two hours before.
fn hour(customer: Customer) -> Vec<SyncOutcome> {
    let sort = |n: i64| match n {
        500 | 1_500 => (SyncType::Delete, RecordKind::Contact),
        600 | 1_000 | 1_600 => (SyncType::Update, RecordKind::Deal),
        _ => (SyncType::Update, RecordKind::Contact),
    };
    let row = |n: i64| SyncOutcome { sync_type: sort(n).0, kind: sort(n).1, ..customer.success(2 * HOUR + n * 1_000) };
    (0..2_000).map(row).chain([customer.success(0)]).collect()
}

#[tokio::test]
async fn a_rare_sort_of_attempt_is_found_without_reading_the_others_of_its_hours() {
    let world = World::new().await;
    let customer = world.customer("1").await;
    let rows = hour(customer);
    let mut tx = world.worker.begin(Scope::System).await.unwrap();
    sync_logs::insert_batch(&mut tx, &rows).await.unwrap();
    tx.commit().await.unwrap();
    analyse(&world, "integration_sync_logs").await;
    let mut tx = world.gateway.begin(Scope::Tenant(customer.tenant)).await.unwrap();
    for (wish, expected) in [
        (Filter { kind: Some(RecordKind::Deal), ..Filter::default() }, vec![1_600, 1_000, 600]),
        (Filter { sync_type: Some(SyncType::Delete), ..Filter::default() }, vec![1_500, 500]),
        (Filter { kind: Some(RecordKind::Order), ..Filter::default() }, vec![]),
    ] {
        let before = rows_read(&mut tx).await;
        let whose = (customer.tenant, customer.integration);
        let found = sync_logs::list(&mut tx, whose, wish.clone(), &PAGE).await.unwrap();
        let expected: Vec<_> = expected.iter().map(|place: &usize| rows[*place].id).collect();
        assert_eq!(found.iter().map(|log| log.id).collect::<Vec<_>>(), expected, "{wish:?}");
        let read = rows_read(&mut tx).await - before;
        assert!(read < 50, "{read} rows were read for {wish:?}");
    }
}

#[tokio::test]
async fn a_rare_outcome_of_deliveries_is_found_without_reading_the_others() {
    let world = World::new().await;
    let customer = world.customer("1").await;
    let delivery = |n: i64| WebhookOutcome {
        id: WebhookLogId::new(),
        created_at: Timestamp::from_millis(1_795_305_600_000 + n).unwrap(),
        platform: "hubspot".parse().unwrap(),
        tenant_id: Some(customer.tenant),
        integration_id: Some(customer.integration),
        delivery_id: None,
        result: if n == 700 {
            WebhookResult::Ignored { reason: "nothing_to_read".to_owned() }
        } else {
            WebhookResult::Applied { marked: 1 }
        },
        body: None,
        correlation_id: String::new(),
    };
    let rows: Vec<_> = (0..2_000).map(delivery).collect();
    let mut tx = world.worker.begin(Scope::System).await.unwrap();
    webhook_logs::insert_batch(&mut tx, &rows).await.unwrap();
    tx.commit().await.unwrap();
    analyse(&world, "integration_webhook_logs").await;
    let mut tx = world.gateway.begin(Scope::Tenant(customer.tenant)).await.unwrap();
    let whose = (customer.tenant, customer.integration);
    for (outcome, expected) in [(Became::Ignored, vec![rows[700].id]), (Became::Refused, vec![])] {
        let before = rows_read(&mut tx).await;
        let wish = webhook_logs::Filter { outcome: Some(outcome), ..webhook_logs::Filter::default() };
        let found = webhook_logs::list(&mut tx, whose, &wish, &PAGE).await.unwrap();
        assert_eq!(found.iter().map(|log| log.id).collect::<Vec<_>>(), expected);
        let read = rows_read(&mut tx).await - before;
        assert!(read < 50, "{read} rows were read for {outcome:?}");
    }
}
