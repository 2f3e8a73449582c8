//! Publishing.

use std::time::{Duration, Instant};

use domain::fault::{Fault, FaultKind};
use domain::message::{Message, RecordPush, StoredMessage};
use futures_util::future::join_all;
use messaging::{Broker, Context, PublishError};

use crate::world::{CONFIRM_TIMEOUT, World, connect, connect_with, connected, counts, holds, next, push, world};

#[tokio::test]
async fn rule_12_what_is_confirmed_lies_in_its_quorum_queue_persistent_and_named() {
    let World { vhost, broker } = world().await;
    let (message, context) = (push(), Context::new());
    broker.publish(&message, &context).await.unwrap();

    assert_eq!(vhost.queue_type(RecordPush::QUEUE).await, "quorum");
    let [stored] = holds(&vhost, RecordPush::QUEUE, 1).await.try_into().unwrap();
    assert_eq!(serde_json::from_str::<RecordPush>(&stored.payload).unwrap(), message);
    assert_eq!(stored.properties["message_id"], context.message_id.to_string());
    assert_eq!(stored.properties["type"], "record.push.v1");
    assert_eq!(stored.properties["delivery_mode"], 2);
    assert_eq!(stored.properties["headers"]["traceparent"], context.trace.to_string());
    assert_eq!(stored.properties["headers"]["attempt"], 1);
}

#[tokio::test]
async fn only_the_queues_that_are_used_are_made() {
    let World { vhost, broker } = world().await;
    broker.publish(&push(), &Context::new()).await.unwrap();
    let mut queues = vhost.queues().await;
    queues.sort();
    assert_eq!(queues, ["dead.dispatcher.record.push", "dispatcher.record.push"]);
}

#[tokio::test]
async fn a_queue_that_was_deleted_comes_back_with_the_next_publish() {
    let World { vhost, broker } = world().await;
    broker.publish(&push(), &Context::new()).await.unwrap();
    vhost.delete_queue(RecordPush::QUEUE).await;

    broker.publish(&push(), &Context::new()).await.unwrap();
    holds(&vhost, RecordPush::QUEUE, 1).await;
}

#[tokio::test]
async fn of_many_at_once_exactly_the_returned_ones_are_published_again() {
    let vhost = testkit::vhost().await;
    // So long that nothing is due: what is, while its queue is gone, a broker tries again only after minutes.
    let hour = Duration::from_secs(3_600);
    let broker = connect_with(&vhost.url(), CONFIRM_TIMEOUT, &[hour]);
    connected(&broker).await;
    broker.publish(&push(), &Context::new()).await.unwrap();
    broker.park(&push(), &Context::new(), hour).await.unwrap();
    vhost.delete_queue(RecordPush::QUEUE).await;
    // The queue is gone, the tier is there: returned messages and routed ones share the channel.
    let publishing = (0..100).map(|_| async { broker.publish(&push(), &Context::new()).await });
    let parking = (0..100).map(|_| async { broker.park(&push(), &Context::new(), hour).await });
    let (published, parked) = tokio::join!(join_all(publishing), join_all(parking));
    assert!(published.iter().chain(&parked).all(Result::is_ok), "{published:?} {parked:?}");
    counts(&vhost, RecordPush::QUEUE, 100).await;
    counts(&vhost, "retry.1h", 101).await;
}

/// Such a queue has no leader yet, and refuses whoever is new to it: without a second try, a fifth of these publishes failed.
#[tokio::test]
async fn a_queue_that_another_is_just_making_takes_all_that_is_published() {
    for _ in 0..16 {
        let World { vhost, broker } = world().await;
        let others = [(); 3].map(|()| connect(&vhost.url(), CONFIRM_TIMEOUT));
        join_all(others.iter().map(Broker::connected)).await;
        let (first, context) = (push(), Context::new());
        let all = [&broker].into_iter().chain(&others);
        let published = join_all(all.map(|broker| broker.publish(&first, &context))).await;
        assert!(published.iter().all(Result::is_ok), "{published:?}");
    }
}

#[tokio::test]
async fn a_stored_message_is_published_as_itself() {
    let World { vhost, broker } = world().await;
    let (message, context) = (push(), Context::new());
    let stored = StoredMessage::of(&message, context.message_id, context.trace).unwrap();
    broker.publish_stored(&stored).await.unwrap();

    let mut deliveries = broker.deliveries::<RecordPush>(1);
    let delivery = next(&mut deliveries).await;
    assert_eq!((delivery.message, delivery.context), (message, context));
    delivery.ack().await;
    drop(vhost);
}

#[tokio::test]
async fn a_stored_message_for_an_unknown_queue_is_refused() {
    let World { vhost: _vhost, broker } = world().await;
    let Context { message_id, trace, .. } = Context::new();
    let stored = StoredMessage::of(&push(), message_id, trace).unwrap();
    let stored = StoredMessage { queue: "elsewhere".to_owned(), ..stored };
    let error = broker.publish_stored(&stored).await.unwrap_err();
    assert!(matches!(error, PublishError::UnknownQueue));
    assert_eq!(error.kind(), FaultKind::Invalid);
}

#[tokio::test]
async fn without_a_broker_a_publish_fails_at_once() {
    let broker = connect("amqp://127.0.0.1:9/%2f", Duration::from_secs(20));
    let start = Instant::now();
    let error = broker.publish(&push(), &Context::new()).await.unwrap_err();
    assert!(matches!(error, PublishError::NotConnected));
    assert_eq!(error.kind(), FaultKind::Unavailable);
    assert!(start.elapsed() < Duration::from_secs(1));
}
