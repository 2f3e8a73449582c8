//! The log of what was refused, within bounds: a stranger must not be able to fill it.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use domain::id::WebhookLogId;
use domain::outcome::{WebhookOutcome, WebhookResult};
use domain::platform::PlatformSlug;
use domain::time::Timestamp;
use domain::trace::TraceParent;
use messaging::{Broker, Context};
use moka::future::Cache;

use crate::door::{Address, Refusal};

/// Over this span refusals of one sender are counted together.
const SPAN: Duration = Duration::from_secs(60);

/// Senders that are told apart at once; beyond, the least active are forgotten, so memory stays bounded.
const SENDERS: u64 = 10_000;

/// Logs refusals, up to so many for each platform and sender in a minute.
#[derive(Clone, Debug)]
pub(crate) struct Refusals {
    broker: Broker,
    limit: u32,
    logged: Cache<(PlatformSlug, Option<IpAddr>), Arc<AtomicU32>>,
}

impl Refusals {
    pub(crate) fn new(broker: Broker, limit: u32) -> Self {
        Self { broker, limit, logged: Cache::builder().max_capacity(SENDERS).time_to_live(SPAN).build() }
    }

    /// Logs one refusal, without the body: it may hold anything. Beyond the limit, or with the broker away, it is only
    /// counted; a flood shall not reach the inbox.
    pub(crate) async fn log(&self, address: &Address, refusal: Refusal, sender: Option<IpAddr>, trace: TraceParent) {
        let key = (address.platform.clone(), sender.map(network));
        let count = self.logged.get_with(key, async { Arc::default() }).await.fetch_add(1, Ordering::Relaxed);
        let outcome = WebhookOutcome {
            id: WebhookLogId::new(),
            created_at: Timestamp::now(),
            platform: address.platform.clone(),
            tenant_id: None,
            integration_id: address.integration_id,
            delivery_id: None,
            result: WebhookResult::Refused { reason: refusal.code().to_owned() },
            body: None,
            correlation_id: trace.trace_id(),
        };
        let lost = if count >= self.limit {
            "over_limit"
        } else if let Err(error) = self.broker.publish(&outcome, &Context::continuing(trace)).await {
            tracing::warn!(%error, "a refused delivery is not logged");
            "broker_away"
        } else {
            return;
        };
        let platform = address.platform.to_string();
        metrics::counter!("webhook_refusals_unlogged_total", "platform" => platform, "why" => lost).increment(1);
    }
}

/// The network in which one sender can pick any address: an IPv4 address, or the /64 of an IPv6 one.
fn network(sender: IpAddr) -> IpAddr {
    match sender {
        IpAddr::V4(_) => sender,
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() & (u128::MAX << 64)).into()),
    }
}
