//! What log-writer makes of the rows beside writing them: statistics that count each once, and bodies without what a tenant
//! wants taken out.

use domain::message::Message as _;
use domain::outcome::{SyncOutcome, WebhookOutcome};
use domain::redaction::Redaction;
use persistence::settings::{self, Settings};
use persistence::stats::{self, Span, Stats, Step, Whose};
use persistence::{Scope, health, sync_logs, webhook_logs};
use serde_json::json;
use testkit::wait;

use crate::world::{LIMIT, Running, World};

async fn stats(world: &World) -> Stats {
    let mut tx = world.rows.begin(Scope::Tenant(world.tenant)).await.unwrap();
    let whose = Whose { tenant: world.tenant, integration: Some(world.integration) };
    let (time_zone, now) = ("UTC".to_owned(), domain::time::Timestamp::now());
    let span = Span { step: Step::Day, buckets: 7, time_zone, now };
    let stats = stats::read(&mut tx, whose, &span).await.unwrap();
    tx.commit().await.unwrap();
    stats
}

#[tokio::test]
async fn two_writers_that_are_given_everything_three_times_count_it_once() {
    let world = World::new().await;
    let rows: Vec<SyncOutcome> = (0..40).map(|n| if n % 4 == 0 { world.failure() } else { world.success() }).collect();
    for _ in 0..3 {
        for row in &rows {
            world.publish(row).await;
        }
    }
    let running = (world.start(), world.start());
    world.rows_written(40).await;
    world.ready(SyncOutcome::QUEUE, 0).await;
    running.0.stop().await;
    running.1.stop().await;
    let counted = stats(&world).await;
    assert_eq!((counted.attempts, counted.success_rate), (40, Some(0.75)));
    assert_eq!(counted.top_errors.iter().map(|error| error.count).collect::<Vec<_>>(), [10]);
}

#[tokio::test]
async fn everything_delivered_twice_more_changes_nothing() {
    let world = World::new().await;
    let rows: Vec<SyncOutcome> = (0..30_u32)
        .map(|n| {
            let row = if n % 3 == 0 { world.failure() } else { world.success() };
            SyncOutcome { duration_ms: n * 7, attempt: n % 2 + 1, ..row }
        })
        .collect();
    let another = world.connect(world.tenant, "Another").await;
    let mut seen = Vec::new();
    for times in [1, 2] {
        for row in (0..times).flat_map(|_| &rows) {
            world.publish(row).await;
        }
        // The queue keeps its order: once this one is written, all before it are. It is of another, so that it is not counted.
        let last = SyncOutcome { integration_id: another, ..world.success() };
        world.publish(&last).await;
        let running = world.start();
        let is_written = format!("SELECT count(*) FROM integration_sync_logs WHERE id = '{}'", last.id);
        wait::until("the last row", LIMIT, || async { (world.database.count(&is_written).await == 1).then_some(()) })
            .await;
        running.stop().await;
        let mut tx = world.rows.begin(Scope::Tenant(world.tenant)).await.unwrap();
        let health = health::get(&mut tx, world.tenant, world.integration).await.unwrap();
        let stats = stats(&world).await;
        seen.push((stats.attempts, stats.retries, stats.duration_ms, stats.by_kind, stats.top_errors, health));
    }
    assert_eq!(seen[0], seen[1]);
    assert_eq!((seen[0].0, seen[0].1), (30, 15));
}

#[tokio::test]
async fn what_a_tenant_wants_taken_out_never_reaches_its_log() {
    let world = World::new().await;
    let redaction = Redaction { emails: true, fields: vec!["iban".to_owned()], ..Redaction::default() };
    let mut tx = world.rows.begin(Scope::Tenant(world.tenant)).await.unwrap();
    assert!(settings::replace(&mut tx, world.tenant, &Settings { redaction, ..Settings::default() }).await.unwrap());
    tx.commit().await.unwrap();
    let mut row = world.failure();
    row.response = Some(json!({ "iban": "FR76", "said": "eloise@example.fr is taken", "card": "4242 4242 4242 4242" }));
    row.changes = serde_json::from_value(json!({ "iban": { "before": null, "after": "FR76" },
        "said": { "before": "eloise@example.fr", "after": "card 4242 4242 4242 4242" } }))
    .unwrap();
    row.error.as_mut().unwrap().message = "eloise@example.fr is taken".to_owned();
    let running = world.start();
    world.publish(&row).await;
    world.rows_written(1).await;
    running.stop().await;
    let log = &world.sync_logs().await[0];
    assert_eq!(log.payload_sent, Some(json!({ "email": "[redacted]" })));
    let expected = json!({ "iban": "[redacted]", "said": "[redacted] is taken", "card": "[redacted]" });
    assert_eq!(log.response_received, Some(expected));
    let expected = json!({ "iban": { "before": null, "after": "[redacted]" },
        "said": { "before": "[redacted]", "after": "card [redacted]" } });
    assert_eq!(json!(log.changes), expected);
    assert_eq!(log.error_message.as_deref(), Some("[redacted] is taken"));
    let counted = stats(&world).await;
    assert_eq!(counted.top_errors[0].message, "[redacted] is taken");
}

#[tokio::test]
async fn what_a_tenant_wants_taken_out_of_deliveries_never_reaches_their_log_either() {
    let world = World::new().await;
    let redaction = Redaction { emails: true, fields: vec!["iban".to_owned()], ..Redaction::default() };
    let mut tx = world.rows.begin(Scope::Tenant(world.tenant)).await.unwrap();
    assert!(settings::replace(&mut tx, world.tenant, &Settings { redaction, ..Settings::default() }).await.unwrap());
    tx.commit().await.unwrap();
    let body = json!([{ "iban": "FR76", "said": "eloise@example.fr", "card": "4242 4242 4242 4242", "objectId": 501 }]);
    let running = world.start();
    world.publish(&WebhookOutcome { body: Some(body), ..world.webhook() }).await;
    let written = world.deliveries_written(1).await;
    running.stop().await;
    let expected = json!([{ "iban": "[redacted]", "said": "[redacted]", "card": "[redacted]", "objectId": 501 }]);
    assert_eq!(written[0].body, Some(expected));
}

#[tokio::test]
async fn rows_are_forgotten_when_their_tenant_wants_so() {
    let world = World::new().await;
    let mut tx = world.rows.begin(Scope::Tenant(world.tenant)).await.unwrap();
    let old = domain::time::Timestamp::now().minus(std::time::Duration::from_hours(24 * 11));
    let rows: Vec<_> = (0..5).map(|_| SyncOutcome { created_at: old, ..world.success() }).collect();
    sync_logs::insert_batch(&mut tx, &[&rows[..], &[world.success()]].concat()).await.unwrap();
    let rows: Vec<_> = (0..3).map(|_| WebhookOutcome { created_at: old, ..world.webhook() }).collect();
    webhook_logs::insert_batch(&mut tx, &[&rows[..], &[world.webhook()]].concat()).await.unwrap();
    let kept = Settings { retention_days: Some(10), ..Settings::default() };
    assert!(settings::replace(&mut tx, world.tenant, &kept).await.unwrap());
    tx.commit().await.unwrap();
    // Another wishes for nothing, and keeps what everybody keeps.
    let tenant_id = world.another_tenant(None).await;
    let integration_id = world.connect(tenant_id, "HubSpot").await;
    let others = SyncOutcome { created_at: old, tenant_id, integration_id, ..world.success() };
    let mut tx = world.rows.begin(Scope::System).await.unwrap();
    sync_logs::insert_batch(&mut tx, &[others]).await.unwrap();
    tx.commit().await.unwrap();
    let mut settings = world.settings(&world.database.worker_url());
    settings.log_writer.retention_rows = 2;
    let running = Running::start(settings);
    wait::until("the old rows to go", LIMIT, || async {
        let left = (world.sync_logs().await.len(), world.webhook_logs().await.len());
        if left == (1, 1) { Ok(()) } else { Err(left) }
    })
    .await;
    running.stop().await;
    assert_eq!(world.database.count("SELECT count(*) FROM integration_sync_logs").await, 2);
}

#[tokio::test]
async fn the_audit_log_forgets_what_has_had_its_time_and_nothing_of_the_last_year() {
    let world = World::new().await;
    for age in [10, 364, 366, 1_200] {
        let row = format!(
            "INSERT INTO audit_log (id, created_at, tenant_id, sub, roles, action, request_id)
             VALUES ('aud_{age}', now() - make_interval(days => {age}), '{}', 'somebody', '{{}}', 'integration.updated', '0')",
            world.tenant
        );
        world.database.execute(&row).await;
    }
    let mut settings = world.settings(&world.database.worker_url());
    (settings.log_writer.retention_rows, settings.log_writer.audit_days) = (1, 30);
    let running = Running::start(settings);
    let old = "SELECT count(*) FROM audit_log WHERE created_at < now() - interval '365 days'";
    wait::until("the old rows to go", LIMIT, || async {
        let left = world.database.count(old).await;
        if left == 0 { Ok(()) } else { Err(left) }
    })
    .await;
    running.stop().await;
    assert_eq!(world.database.count("SELECT count(*) FROM audit_log").await, 2);
}
