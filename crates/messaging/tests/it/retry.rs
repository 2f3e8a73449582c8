//! Waiting for another attempt.

use std::fmt::Debug;
use std::time::{Duration, Instant};

use domain::id::{TenantId, WebhookLogId};
use domain::message::{EventMerge, Message, RecordPush, TracedDelivery, WebhookApply, WebhookApplyMany};
use domain::time::Timestamp;
use domain::trace::TraceParent;
use messaging::Context;
use serde_json::json;

use crate::world::{CONFIRM_TIMEOUT, TIER, World, connect_with, connected, holds, next, push, raw, world};

#[tokio::test]
async fn a_retry_comes_back_after_its_wait_as_the_next_attempt_of_the_same_message() {
    let World { vhost, broker } = world().await;
    let (message, context) = (push(), Context::new());
    broker.publish(&message, &context).await.unwrap();
    let mut deliveries = broker.deliveries::<RecordPush>(1);
    let first = next(&mut deliveries).await;
    let start = Instant::now();
    first.retry(TIER, true).await;

    let second = next(&mut deliveries).await;
    assert!(start.elapsed() >= TIER);
    assert_eq!(second.message, message);
    let rest = Some(Duration::ZERO);
    let expected = Context { attempt: 2, not_before: second.context.not_before, rest, ..context };
    assert_eq!(second.context, expected);
    second.ack().await;
    assert!(vhost.queues().await.contains(&"retry.400ms".to_owned()));
    holds(&vhost, "retry.400ms", 0).await;
}

/// Has a message wait once, and returns the tiers that there are after that.
async fn tiers_after<M: Message + PartialEq + Debug>(message: &M) -> Vec<String> {
    let World { vhost, broker } = world().await;
    broker.publish(message, &Context::new()).await.unwrap();
    let lane = M::LANES.iter().position(|queue| *queue == message.queue()).unwrap();
    let mut deliveries = broker.lanes::<M>(1).swap_remove(lane);
    next(&mut deliveries).await.retry(TIER, true).await;
    let again = next(&mut deliveries).await;
    assert_eq!((&again.message, again.context.attempt), (message, 2));
    again.ack().await;
    let mut tiers = vhost.queues().await;
    tiers.retain(|queue| queue.contains("retry."));
    tiers
}

#[tokio::test]
async fn the_intake_waits_in_queues_of_its_own() {
    let is_elsewhere = |tenant: &TenantId| EventMerge::queue_of(*tenant) != EventMerge::QUEUE;
    let tenant_id = std::iter::repeat_with(TenantId::new).find(is_elsewhere).unwrap();
    let events = EventMerge { tenant_id, accepted_at: Timestamp::now(), events: Vec::new() };
    let delivery = WebhookApply {
        delivery: WebhookLogId::new(),
        platform: "hubspot".parse().unwrap(),
        integration_id: None,
        received_at: Timestamp::now(),
        headers: Vec::new(),
        body: "[]".to_owned(),
    };
    let traced = TracedDelivery { trace: TraceParent::generate(), delivery: delivery.clone() };
    assert_eq!(tiers_after(&events).await, ["intake.retry.400ms"]);
    assert_eq!(tiers_after(&delivery).await, ["intake.retry.400ms"]);
    assert_eq!(tiers_after(&WebhookApplyMany { deliveries: vec![traced] }).await, ["intake.retry.400ms"]);
    assert_eq!(tiers_after(&push()).await, ["retry.400ms"]);
}

#[tokio::test]
async fn a_retry_that_does_not_count_keeps_the_attempt() {
    let World { vhost: _vhost, broker } = world().await;
    broker.publish(&push(), &Context::new()).await.unwrap();
    let mut deliveries = broker.deliveries::<RecordPush>(1);
    next(&mut deliveries).await.retry(TIER, false).await;
    let again = next(&mut deliveries).await;
    assert_eq!(again.context.attempt, 1);
    again.ack().await;
}

#[tokio::test]
async fn a_message_waits_through_several_tiers_and_is_never_early() {
    let World { vhost, broker } = world().await;
    // 1 s, then 400 ms, then 100 ms, then a moment by the consumer.
    let wait = Duration::from_millis(1_515);
    let mut deliveries = broker.deliveries::<RecordPush>(1);
    // Its queue has to be there before it is due: a broker that finds none tries again only after minutes.
    broker.publish(&push(), &Context::new()).await.unwrap();
    next(&mut deliveries).await.ack().await;
    // So that what is left of the wait decides, however long it takes from one tier to the next.
    let ahead = Some(Timestamp::now().plus(Duration::from_hours(1)));
    let start = Instant::now();
    broker.publish(&push(), &Context { not_before: ahead, rest: Some(wait), ..Context::new() }).await.unwrap();

    let delivery = next(&mut deliveries).await;
    assert!(start.elapsed() >= wait, "{:?}", start.elapsed());
    delivery.ack().await;
    let queues = vhost.queues().await;
    let is_there = |tier: &&str| queues.iter().any(|queue| queue == tier);
    assert!(["retry.1s", "retry.400ms", "retry.100ms"].iter().all(is_there), "{queues:?}");
}

#[tokio::test]
async fn a_message_that_was_put_off_by_a_clock_an_hour_ahead_waits_no_longer_than_it_was_to() {
    let World { vhost, broker } = world().await;
    let mut deliveries = broker.deliveries::<RecordPush>(1);
    broker.publish(&push(), &Context::new()).await.unwrap();
    next(&mut deliveries).await.ack().await;
    let ahead = Timestamp::now().plus(Duration::from_secs(3_600)).to_string();
    // Through the tiers once more, and for a moment here.
    for rest in ["150", "15"] {
        let message = push();
        let mut stored = raw(&serde_json::to_string(&message).unwrap(), RecordPush::TYPE);
        stored.properties["headers"] = json!({ "not_before": ahead, "rest_ms": rest });
        assert!(vhost.publish(RecordPush::QUEUE, stored).await);
        let delivery = next(&mut deliveries).await;
        assert_eq!(delivery.message, message);
        delivery.ack().await;
    }
}

#[tokio::test]
async fn a_short_wait_does_not_hold_up_others() {
    let vhost = testkit::vhost().await;
    // What is due within a fifth of the shortest tier waits at the consumer.
    let (tier, wait) = (Duration::from_secs(60), Duration::from_secs(3));
    let broker = connect_with(&vhost.url(), CONFIRM_TIMEOUT, &[tier]);
    connected(&broker).await;
    let [late, prompt] = [push(), push()];
    // Its wait begins at the consumer, where both lie by then.
    let not_before = Some(Timestamp::now().plus(Duration::from_hours(1)));
    broker.publish(&late, &Context { not_before, rest: Some(wait), ..Context::new() }).await.unwrap();
    broker.publish(&prompt, &Context::new()).await.unwrap();
    let mut deliveries = broker.deliveries::<RecordPush>(2);
    for expected in [prompt, late] {
        let delivery = next(&mut deliveries).await;
        assert_eq!(delivery.message, expected);
        delivery.ack().await;
    }
    assert!(!vhost.queues().await.iter().any(|queue| queue.starts_with("retry.")), "it waited elsewhere");
}
