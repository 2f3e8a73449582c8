//! Waiting for another attempt.

use std::time::{Duration, Instant};

use domain::message::{Message, RecordPush};
use domain::time::Timestamp;
use messaging::Context;
use serde_json::json;

use crate::world::{TIER, World, holds, next, push, raw, world};

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
    broker.park(&push(), &Context::new(), wait).await.unwrap();
    let due = Timestamp::now().plus(wait);

    let delivery = next(&mut deliveries).await;
    let not_before = delivery.context.not_before.unwrap();
    assert!(not_before <= due && Timestamp::now() >= not_before);
    delivery.ack().await;
    let queues = vhost.queues().await;
    assert!(["retry.1s", "retry.400ms"].iter().all(|tier| queues.iter().any(|queue| queue == tier)), "{queues:?}");
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
    let World { vhost: _vhost, broker } = world().await;
    let (late, prompt) = (push(), push());
    broker.park(&late, &Context::new(), TIER).await.unwrap();
    broker.publish(&prompt, &Context::new()).await.unwrap();
    let mut deliveries = broker.deliveries::<RecordPush>(1);
    for expected in [prompt, late] {
        let delivery = next(&mut deliveries).await;
        assert_eq!(delivery.message, expected);
        delivery.ack().await;
    }
}
