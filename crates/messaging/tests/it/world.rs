//! A vhost, a client of it and messages, for the tests here.

use std::time::Duration;

use domain::id::{IntegrationId, LinkId, TenantId};
use domain::message::{Message, RecordPush};
use domain::retry::RetrySchedule;
use lapin::options::QueueDeclareOptions;
use lapin::types::FieldTable;
use lapin::{Connection, ConnectionProperties};
use messaging::{Broker, BrokerOptions, Deliveries, Delivery};
use serde_json::json;
use testkit::{QueuedMessage, TestVhost, wait};
use tokio::time::timeout;

pub(crate) const DEADLINE: Duration = Duration::from_secs(30);
/// One of the tiers.
pub(crate) const TIER: Duration = Duration::from_millis(400);
pub(crate) const CONFIRM_TIMEOUT: Duration = Duration::from_secs(20);

const REPLY_SUCCESS: u16 = 200;

pub(crate) struct World {
    pub(crate) vhost: TestVhost,
    pub(crate) broker: Broker,
}

/// A vhost and a connected client with the tiers 100 ms, 400 ms and 1 s.
pub(crate) async fn world() -> World {
    let vhost = testkit::vhost().await;
    let broker = connect(&vhost.url(), CONFIRM_TIMEOUT);
    connected(&broker).await;
    World { vhost, broker }
}

pub(crate) fn connect(url: &str, confirm_timeout: Duration) -> Broker {
    connect_with(url, confirm_timeout, &[100, 400, 1_000].map(Duration::from_millis))
}

pub(crate) fn connect_with(url: &str, confirm_timeout: Duration, tiers: &[Duration]) -> Broker {
    let schedule = RetrySchedule::new(tiers.to_vec()).unwrap();
    Broker::connect(BrokerOptions { url: url.to_owned().into(), confirm_timeout, schedule, name: "test" })
}

pub(crate) async fn connected(broker: &Broker) {
    wait::until("a connection", DEADLINE, || async { broker.is_connected().then_some(()) }).await;
}

pub(crate) async fn disconnected(broker: &Broker) {
    wait::until("the connection to end", DEADLINE, || async { (!broker.is_connected()).then_some(()) }).await;
}

pub(crate) fn push() -> RecordPush {
    RecordPush { tenant_id: TenantId::new(), integration_id: IntegrationId::new(), link_id: LinkId::new() }
}

/// A message as somebody else sends it.
pub(crate) fn raw(payload: &str, message_type: &str) -> QueuedMessage {
    let properties = json!({"type": message_type, "message_id": "msg_1", "delivery_mode": 2});
    QueuedMessage { payload: payload.to_owned(), properties, routing_key: String::new() }
}

pub(crate) async fn next<M: Message>(deliveries: &mut Deliveries<M>) -> Delivery<M> {
    timeout(DEADLINE, deliveries.next()).await.expect("a delivery in time").expect("a delivery")
}

/// Waits until `queue` holds `count` messages that no consumer has, and looks at them.
pub(crate) async fn holds(vhost: &TestVhost, queue: &str, count: u32) -> Vec<QueuedMessage> {
    counts(vhost, queue, count).await;
    if count == 0 { Vec::new() } else { vhost.peek(queue).await }
}

/// Waits until `queue` holds `count` messages that no consumer has, without a look at them: each is a delivery to the broker, and
/// those have a limit.
pub(crate) async fn counts(vhost: &TestVhost, queue: &str, count: u32) {
    let what = format!("{count} messages in {queue}");
    let connection = Connection::connect(&vhost.url(), ConnectionProperties::default()).await.unwrap();
    wait::until(&what, DEADLINE, || async {
        let channel = connection.create_channel().await.unwrap();
        let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        let found = channel.queue_declare(queue.into(), passive, FieldTable::default()).await;
        // A broker has closed the channel already where there is no such queue.
        drop(channel.close(REPLY_SUCCESS, "counted".into()).await);
        match found.map(|queue| queue.message_count()) {
            Ok(found) if found == count => Ok(()),
            other => Err(other),
        }
    })
    .await;
    // Left open, it is broken off with its vhost, and lapin's own tasks say so as an error.
    connection.close(REPLY_SUCCESS, "counted".into()).await.unwrap();
}
