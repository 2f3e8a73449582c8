//! A vhost, a client of it and messages, for the tests here.

use std::time::Duration;

use domain::id::{IntegrationId, LinkId, TenantId};
use domain::message::{Message, RecordPush};
use domain::retry::RetrySchedule;
use messaging::{Broker, BrokerOptions, Deliveries, Delivery};
use testkit::{StoredMessage, TestVhost, wait};
use tokio::time::timeout;

pub(crate) const DEADLINE: Duration = Duration::from_secs(30);
pub(crate) const CONFIRM_TIMEOUT: Duration = Duration::from_secs(20);

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
    let tiers = [100, 400, 1_000].map(Duration::from_millis).to_vec();
    let schedule = RetrySchedule::new(tiers).unwrap();
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

pub(crate) async fn next<M: Message>(deliveries: &mut Deliveries<M>) -> Delivery<M> {
    timeout(DEADLINE, deliveries.next()).await.expect("a delivery in time").expect("a delivery")
}

/// Waits until `queue` holds `count` messages that no consumer has.
pub(crate) async fn holds(vhost: &TestVhost, queue: &str, count: usize) -> Vec<StoredMessage> {
    let what = format!("{count} messages in {queue}");
    wait::until(&what, DEADLINE, || async {
        if !vhost.queues().await.iter().any(|name| name == queue) {
            return Err("no such queue".to_owned());
        }
        let messages = vhost.peek(queue).await;
        if messages.len() == count { Ok(messages) } else { Err(format!("{} messages", messages.len())) }
    })
    .await
}
