//! Vhosts of tests' own.

use serde_json::json;
use testkit::QueuedMessage;

#[tokio::test]
async fn a_new_vhost_is_empty_and_routes_nothing() {
    let vhost = testkit::vhost().await;
    assert!(vhost.queues().await.is_empty());
    let message = QueuedMessage { payload: "x".to_owned(), properties: json!({}), routing_key: String::new() };
    assert!(!vhost.publish("nowhere", message).await);
}

#[tokio::test]
async fn a_vhost_can_go_and_come_back() {
    let vhost = testkit::vhost().await;
    vhost.remove().await;
    vhost.make().await;
    assert!(vhost.url().ends_with(vhost.name()));
    assert!(vhost.queues().await.is_empty());
}
