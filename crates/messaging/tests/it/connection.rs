//! The connection: lost, stalled, refused, and back.

use std::time::Duration;

use domain::message::RecordPush;
use messaging::{Context, PublishError};
use testkit::cut::Proxy;
use testkit::wait;

use crate::world::{CONFIRM_TIMEOUT, DEADLINE, connect, connected, disconnected, next, push};

#[tokio::test]
async fn after_a_cut_publishing_and_consuming_go_on() {
    let vhost = testkit::vhost().await;
    let proxy = Proxy::before(&vhost.url()).await;
    let broker = connect(&proxy.url(), CONFIRM_TIMEOUT);
    connected(&broker).await;
    let mut deliveries = broker.deliveries::<RecordPush>(4);
    let (before, after) = (push(), push());
    broker.publish(&before, &Context::new()).await.unwrap();
    let delivery = next(&mut deliveries).await;
    assert_eq!(delivery.message, before);
    delivery.ack().await;

    proxy.cut();
    disconnected(&broker).await;
    let error = broker.publish(&push(), &Context::new()).await.unwrap_err();
    assert!(matches!(error, PublishError::NotConnected), "{error:?}");

    proxy.mend();
    connected(&broker).await;
    broker.publish(&after, &Context::new()).await.unwrap();
    let mut delivery = next(&mut deliveries).await;
    if delivery.message == before {
        // Its ack did not get through before the cut.
        delivery.ack().await;
        delivery = next(&mut deliveries).await;
    }
    assert_eq!(delivery.message, after);
    delivery.ack().await;
}

#[tokio::test]
async fn a_publish_that_nobody_confirms_times_out() {
    let vhost = testkit::vhost().await;
    let proxy = Proxy::before(&vhost.url()).await;
    let broker = connect(&proxy.url(), Duration::from_millis(300));
    connected(&broker).await;
    proxy.stall();
    let error = broker.publish(&push(), &Context::new()).await.unwrap_err();
    assert!(matches!(error, PublishError::TimedOut), "{error:?}");
}

#[tokio::test]
async fn however_many_are_published_together_all_are_given_up_after_one_time_out() {
    let vhost = testkit::vhost().await;
    let proxy = Proxy::before(&vhost.url()).await;
    let patience = Duration::from_secs(1);
    let broker = connect(&proxy.url(), patience);
    connected(&broker).await;
    proxy.stall();
    let messages: Vec<_> = (0..1_000).map(|_| (push(), Context::new())).collect();
    let results = tokio::time::timeout(patience * 10, broker.publish_all(&messages)).await.unwrap();
    assert_eq!(results.len(), 1_000);
    assert!(results.iter().all(Result::is_err), "nothing was confirmed");
}

#[tokio::test]
async fn what_is_published_together_arrives_whole_however_much_it_is() {
    let vhost = testkit::vhost().await;
    let broker = connect(&vhost.url(), CONFIRM_TIMEOUT);
    connected(&broker).await;
    let messages: Vec<_> = (0..100).map(|_| (push(), Context::new())).collect();
    let results = broker.publish_all(&messages).await;
    assert!(results.len() == 100 && results.iter().all(Result::is_ok), "{results:?}");
    let mut deliveries = broker.deliveries::<RecordPush>(100);
    let mut arrived = Vec::new();
    while arrived.len() < 100 {
        let delivery = next(&mut deliveries).await;
        arrived.push(delivery.message);
        delivery.ack().await;
    }
    assert!(messages.iter().all(|(message, _)| arrived.contains(message)), "something else arrived");
}

#[tokio::test]
async fn a_publish_whose_connection_goes_away_is_told_so() {
    let vhost = testkit::vhost().await;
    let proxy = Proxy::before(&vhost.url()).await;
    let broker = connect(&proxy.url(), CONFIRM_TIMEOUT);
    connected(&broker).await;
    proxy.stall();
    let publishing = tokio::spawn({
        let broker = broker.clone();
        async move { broker.publish(&push(), &Context::new()).await }
    });
    proxy.cut();
    let error = publishing.await.unwrap().unwrap_err();
    let gone = matches!(error, PublishError::Lost | PublishError::Channel(_) | PublishError::NotConnected);
    assert!(gone, "{error:?}");
}

#[tokio::test]
async fn what_a_lost_consumer_held_comes_again() {
    let vhost = testkit::vhost().await;
    let proxy = Proxy::before(&vhost.url()).await;
    let (crashing, steady) = (connect(&proxy.url(), CONFIRM_TIMEOUT), connect(&vhost.url(), CONFIRM_TIMEOUT));
    connected(&steady).await;
    let (message, context) = (push(), Context::new());
    steady.publish(&message, &context).await.unwrap();
    let mut doomed = crashing.deliveries::<RecordPush>(1);
    let held = next(&mut doomed).await;

    proxy.cut();
    let mut deliveries = steady.deliveries::<RecordPush>(1);
    let again = next(&mut deliveries).await;
    assert_eq!((again.message, again.context), (message, context));
    again.ack().await;
    held.ack().await;
}

#[tokio::test]
async fn a_missing_vhost_is_not_connected_until_somebody_makes_it() {
    let vhost = testkit::vhost().await;
    vhost.remove().await;
    let broker = connect(&vhost.url(), CONFIRM_TIMEOUT);
    let mut deliveries = broker.deliveries::<RecordPush>(1);
    assert!(!broker.is_connected());

    vhost.make().await;
    connected(&broker).await;
    let message = push();
    broker.publish(&message, &Context::new()).await.unwrap();
    let delivery = next(&mut deliveries).await;
    assert_eq!(delivery.message, message);
    delivery.ack().await;
}

#[tokio::test]
async fn a_vhost_that_is_deleted_ends_the_connection() {
    let vhost = testkit::vhost().await;
    let broker = connect(&vhost.url(), CONFIRM_TIMEOUT);
    connected(&broker).await;
    vhost.remove().await;
    disconnected(&broker).await;
    vhost.make().await;
    connected(&broker).await;
}

#[tokio::test]
async fn closing_waits_for_what_is_under_way_and_ends_the_deliveries() {
    let vhost = testkit::vhost().await;
    let broker = connect(&vhost.url(), CONFIRM_TIMEOUT);
    connected(&broker).await;
    // No more than are published at once: what nobody has begun to publish is refused.
    let messages: Vec<_> = (0..30).map(|_| (push(), Context::new())).collect();
    let (results, ()) = tokio::join!(broker.publish_all(&messages), async {
        let handed_over = || async { (!vhost.queues().await.is_empty()).then_some(()) };
        wait::until("the first message to be under way", DEADLINE, handed_over).await;
        broker.close().await;
    });
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    assert!(!broker.is_connected());
    assert!(broker.deliveries::<RecordPush>(1).next().await.is_none());
    assert!(broker.publish(&push(), &Context::new()).await.is_err());
}
