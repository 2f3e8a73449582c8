//! What arrives is written once; what cannot be written does not hold up the rest.

use domain::id::{IntegrationId, TenantId};
use domain::message::Message;
use domain::outcome::{SyncOutcome, WebhookOutcome, WebhookResult};
use persistence::{Scope, health};

use crate::world::{LIMIT, World};

const QUEUE: &str = SyncOutcome::QUEUE;

#[tokio::test]
async fn writes_what_was_tried_and_what_came_in() {
    let world = World::new().await;
    let running = world.start();
    let (tried, came_in) = (world.success(), world.webhook());
    world.publish(&tried).await;
    world.publish(&came_in).await;
    world.rows_written(1).await;
    world.deliveries_written(1).await;
    running.stop().await;

    let [log] = &world.sync_logs().await[..] else { panic!("one row") };
    assert_eq!((log.id, log.created_at, &log.external_id), (tried.id, tried.created_at, &tried.external_id));
    assert_eq!(log.payload_sent, tried.request);
    let [log] = &world.webhook_logs().await[..] else { panic!("one row") };
    assert_eq!((log.id, log.verified, log.marked, &log.body), (came_in.id, true, Some(2), &came_in.body));
}

#[tokio::test]
async fn what_came_in_for_nobody_is_a_row_as_well() {
    let world = World::new().await;
    let running = world.start();
    let refused = WebhookResult::Refused { reason: "unknown_address".to_owned() };
    let ignored = WebhookResult::Ignored { reason: "unknown_account".to_owned() };
    for (integration_id, result) in [(Some(IntegrationId::new()), refused), (None, ignored)] {
        let platform = "salesforce".parse().unwrap();
        world.publish(&WebhookOutcome { platform, tenant_id: None, integration_id, result, ..world.webhook() }).await;
    }
    let rows = "SELECT outcome || ' ' || reason || ' ' || coalesce(tenant_id, 'nobody') FROM integration_webhook_logs
                WHERE platform = 'salesforce' ORDER BY 1";
    let rows = testkit::wait::until("both rows", LIMIT, || async {
        let rows = world.database.texts(rows).await;
        if rows.len() >= 2 { Ok(rows) } else { Err(rows) }
    })
    .await;
    running.stop().await;
    assert_eq!(rows, ["ignored unknown_account nobody", "refused unknown_address nobody"]);
}

#[tokio::test]
async fn an_outcome_of_before_changes_were_told_is_a_row_without_them() {
    let world = World::new().await;
    let mut old = serde_json::to_value(world.success()).unwrap();
    assert!(old.as_object_mut().unwrap().remove("changes").is_none(), "where there are none, none are told");
    world.publish_as(SyncOutcome::TYPE, old).await;
    let running = world.start();
    world.rows_written(1).await;
    running.stop().await;
    assert!(world.sync_logs().await[0].changes.is_empty());
}

#[tokio::test]
async fn a_redelivered_outcome_meets_itself_and_counts_once() {
    let world = World::new().await;
    let running = world.start();
    let (first, last) = (world.failure(), world.failure());
    world.publish(&first).await;
    world.rows_written(1).await;
    for _ in 0..3 {
        world.publish(&first).await;
    }
    // The queue keeps its order: once this one is written, the repetitions before it were looked at.
    world.publish(&last).await;
    let written = world.rows_written(2).await;
    running.stop().await;

    assert_eq!(written.len(), 2);
    let mut transaction = world.rows.begin(Scope::Tenant(world.tenant)).await.unwrap();
    let health = health::get(&mut transaction, world.tenant, world.integration).await.unwrap().unwrap();
    assert_eq!((health.error_count, health.last_error_at), (2, Some(last.created_at)));
}

#[tokio::test]
async fn one_row_that_cannot_be_written_costs_no_other() {
    let world = World::new().await;
    let poison = world.poison();
    for index in 0..9 {
        world.publish(&world.success()).await;
        if index == 4 {
            world.publish(&poison).await;
        }
    }
    // All ten are there before it starts, so that they are one batch.
    let running = world.start();
    let dead = world.ready("dead.log.sync.write", 1).await;
    world.rows_written(9).await;
    world.ready(QUEUE, 0).await;
    running.stop().await;

    assert_eq!(world.sync_logs().await.len(), 9);
    let row: SyncOutcome = serde_json::from_str(&dead[0].payload).unwrap();
    assert_eq!(row.id, poison.id);
    let reason = dead[0].properties["headers"]["reason"].as_str().unwrap();
    assert!(reason.contains("index row"), "{reason}");
}

#[tokio::test]
async fn a_full_batch_is_written_before_its_time() {
    let world = World::new().await;
    let mut settings = world.settings(&world.database.worker_url());
    // Longer than the test waits for anything.
    settings.log_writer.batch_wait = 10 * LIMIT;
    settings.log_writer.batch_rows = 5;
    let running = crate::world::Running::start(settings);
    for _ in 0..5 {
        world.publish(&world.success()).await;
    }
    assert_eq!(world.rows_written(5).await.len(), 5);
    running.stop().await;
}

#[tokio::test]
async fn what_nobody_can_read_or_may_write_is_dead_with_its_reason_and_holds_nothing_up() {
    let world = World::new().await;
    let foreign = SyncOutcome { tenant_id: TenantId::new(), ..world.failure() };
    world.publish(&world.success()).await;
    world.publish_as("sync.outcome.v2", serde_json::json!({"id": "log_of_tomorrow"})).await;
    world.publish_as(SyncOutcome::TYPE, serde_json::json!({"id": 1})).await;
    world.publish(&foreign).await;
    world.publish(&world.success()).await;
    let running = world.start();
    let dead = world.ready("dead.log.sync.write", 3).await;
    world.rows_written(2).await;
    running.stop().await;

    let mut reasons: Vec<_> =
        dead.iter().map(|letter| letter.properties["headers"]["reason"].as_str().unwrap().to_owned()).collect();
    reasons.sort_unstable();
    assert_eq!(reasons[0], "the integration is another tenant's");
    assert!(reasons[1].starts_with("the payload is no sync.outcome.v1: "), "{reasons:?}");
    assert_eq!(reasons[2], "the type is \"sync.outcome.v2\", not sync.outcome.v1");
    let mut transaction = world.rows.begin(Scope::Tenant(world.tenant)).await.unwrap();
    let health = health::get(&mut transaction, world.tenant, world.integration).await.unwrap().unwrap();
    assert_eq!(health.error_count, 0, "another tenant's failure was counted");
}

#[tokio::test]
async fn a_delivery_that_nobody_can_read_or_may_write_is_dead_as_well_and_holds_nothing_up() {
    let world = World::new().await;
    let foreign = WebhookOutcome { tenant_id: Some(TenantId::new()), ..world.webhook() };
    world.publish(&world.webhook()).await;
    world.publish_to(WebhookOutcome::QUEUE, "webhook.outcome.v2", serde_json::json!({"id": "whk_of_tomorrow"})).await;
    world.publish_to(WebhookOutcome::QUEUE, WebhookOutcome::TYPE, serde_json::json!({"id": 1})).await;
    world.publish(&foreign).await;
    world.publish(&world.webhook()).await;
    let running = world.start();
    let dead = world.ready("dead.log.webhook.write", 3).await;
    let written = world.deliveries_written(2).await;
    running.stop().await;

    let mut reasons: Vec<_> =
        dead.iter().map(|letter| letter.properties["headers"]["reason"].as_str().unwrap().to_owned()).collect();
    reasons.sort_unstable();
    assert_eq!(reasons[0], "the integration is another tenant's");
    assert!(reasons[1].starts_with("the payload is no webhook.outcome.v1: "), "{reasons:?}");
    assert_eq!(reasons[2], "the type is \"webhook.outcome.v2\", not webhook.outcome.v1");
    assert_eq!(written.len(), 2);
}
