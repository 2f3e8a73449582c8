//! Consuming.

use domain::message::{Message, RecordPush};
use messaging::Context;
use tokio::time::timeout;

use crate::world::{DEADLINE, World, holds, next, push, raw, world};

const DEAD: &str = "dead.dispatcher.record.push";

#[tokio::test]
async fn rule_09_what_cannot_be_decoded_is_a_dead_letter_with_the_reason_and_stops_nobody() {
    let World { vhost, broker } = world().await;
    let message = push();
    broker.publish(&message, &Context::new()).await.unwrap();
    let mut deliveries = broker.deliveries::<RecordPush>(8);
    next(&mut deliveries).await.ack().await;
    assert!(vhost.publish(RecordPush::QUEUE, raw("{\"tenant_id\":", "record.push.v1")).await);
    assert!(vhost.publish(RecordPush::QUEUE, raw("{}", "record.push.v9")).await);
    broker.publish(&message, &Context::new()).await.unwrap();
    let good = next(&mut deliveries).await;
    assert_eq!(good.message, message);
    good.ack().await;

    let dead = holds(&vhost, DEAD, 2).await;
    let reason_of = |payload: &str| {
        let letter = dead.iter().find(|letter| letter.payload == payload).unwrap();
        letter.properties["headers"]["reason"].as_str().unwrap().to_owned()
    };
    assert!(reason_of("{\"tenant_id\":").starts_with("the payload is no record.push.v1: EOF"));
    assert_eq!(reason_of("{}"), "the type is \"record.push.v9\", not record.push.v1");
}

/// What cannot be decoded is quoted in the reason, which is a header, and headers have one frame.
#[tokio::test]
async fn what_cannot_be_decoded_is_a_dead_letter_however_much_of_it_would_be_quoted() {
    let World { vhost, broker } = world().await;
    let message = push();
    broker.publish(&message, &Context::new()).await.unwrap();
    let mut deliveries = broker.deliveries::<RecordPush>(8);
    next(&mut deliveries).await.ack().await;
    let payload = serde_json::json!("é".repeat(100_000)).to_string();
    assert!(vhost.publish(RecordPush::QUEUE, raw(&payload, RecordPush::TYPE)).await);
    broker.publish(&message, &Context::new()).await.unwrap();
    next(&mut deliveries).await.ack().await;
    let dead = holds(&vhost, DEAD, 1).await;
    assert_eq!(dead[0].payload, payload);
    let reason = dead[0].properties["headers"]["reason"].as_str().unwrap();
    assert!(reason.starts_with("the payload is no record.push.v1: ") && reason.chars().count() == 2_000, "{reason}");
}

#[tokio::test]
async fn a_released_or_forgotten_message_comes_again() {
    let World { vhost, broker } = world().await;
    let context = Context::new();
    broker.publish(&push(), &context).await.unwrap();
    let mut deliveries = broker.deliveries::<RecordPush>(1);
    next(&mut deliveries).await.release().await;
    drop(next(&mut deliveries).await);
    let delivery = next(&mut deliveries).await;
    assert_eq!(delivery.context, context);
    delivery.ack().await;
    holds(&vhost, RecordPush::QUEUE, 0).await;
}

#[tokio::test]
async fn a_stop_gives_back_what_nobody_has_seen_and_lets_the_rest_be_answered_for() {
    let World { vhost, broker } = world().await;
    let messages: Vec<_> = (0..5).map(|_| (push(), Context::new())).collect();
    broker.publish_all(&messages).await;
    let mut deliveries = broker.deliveries::<RecordPush>(5);
    let seen = next(&mut deliveries).await;
    deliveries.stop();
    assert!(deliveries.next().await.is_none());
    holds(&vhost, RecordPush::QUEUE, 4).await;
    seen.ack().await;
    drop(deliveries);
    holds(&vhost, RecordPush::QUEUE, 4).await;
}

#[tokio::test]
async fn consuming_goes_on_after_the_queue_was_deleted() {
    let World { vhost, broker } = world().await;
    broker.publish(&push(), &Context::new()).await.unwrap();
    let mut deliveries = broker.deliveries::<RecordPush>(1);
    next(&mut deliveries).await.ack().await;
    vhost.delete_queue(RecordPush::QUEUE).await;
    let message = push();
    broker.publish(&message, &Context::new()).await.unwrap();
    // RabbitMQ may leave the consumer without messages, which is believed for a minute.
    let delivery = timeout(3 * DEADLINE, deliveries.next()).await.unwrap().unwrap();
    assert_eq!(delivery.message, message);
    delivery.ack().await;
}

#[tokio::test]
async fn a_message_whose_consumers_all_crash_becomes_a_dead_letter() {
    let World { vhost, broker } = world().await;
    broker.publish(&push(), &Context::new()).await.unwrap();
    let mut deliveries = broker.deliveries::<RecordPush>(1);
    for _ in 0..=50 {
        next(&mut deliveries).await.release().await;
    }
    holds(&vhost, DEAD, 1).await;
}
