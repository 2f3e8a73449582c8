//! How much may be asked for: a measure for each tenant, one for its events, one for each address that is nobody's.

use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use actix_web::http::header::{HeaderName, HeaderValue};
use domain::id::TenantId;
use governor::clock::{Clock as _, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{Quota, RateLimiter};
use runtime::config::GatewaySettings;

/// After so many requests, those who have not been here lately are forgotten, so that memory does not grow with strangers.
const SWEEP_EVERY: u32 = 4_096;

/// The bits of an IPv6 address that stand for whom it was given to; the rest they choose as they like.
const NETWORK_BITS: u128 = !0 << 64;

/// All measures.
#[derive(Debug)]
pub(super) struct Limits {
    tenants: Measure<TenantId>,
    events: Measure<TenantId>,
    peers: Measure<IpAddr>,
}

impl Limits {
    pub(super) fn new(settings: &GatewaySettings) -> Self {
        let common = (settings.requests_per_second, settings.burst);
        Self {
            tenants: Measure::new("tenant", common),
            events: Measure::new("events", (settings.events_requests_per_second, settings.events_burst)),
            peers: Measure::new("address", common),
        }
    }

    /// Counts a request of a tenant.
    pub(super) fn of_tenant(&self, tenant: TenantId, is_for_events: bool) -> Reading {
        let measure = if is_for_events { &self.events } else { &self.tenants };
        measure.take(&tenant)
    }

    /// Counts a request of somebody who is nobody yet.
    pub(super) fn of_peer(&self, address: IpAddr) -> Reading {
        self.peers.take(&match address {
            IpAddr::V4(_) => address,
            IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & NETWORK_BITS)),
        })
    }
}

/// One bucket for each key.
struct Measure<K: Hash + Eq + Clone> {
    name: &'static str,
    per_second: NonZeroU32,
    burst: NonZeroU32,
    buckets: RateLimiter<K, DefaultKeyedStateStore<K>, DefaultClock, StateInformationMiddleware>,
    asked: AtomicU32,
}

impl<K: Hash + Eq + Clone> std::fmt::Debug for Measure<K> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Measure").field("name", &self.name).finish_non_exhaustive()
    }
}

/// What a measure showed when a request was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reading {
    name: &'static str,
    per_second: NonZeroU32,
    burst: NonZeroU32,
    left: u32,
    /// How long to wait; `None` where the request may go on.
    pub(super) wait: Option<Duration>,
}

impl<K: Hash + Eq + Clone> Measure<K> {
    fn new(name: &'static str, (per_second, burst): (NonZeroU32, NonZeroU32)) -> Self {
        let quota = Quota::per_second(per_second).allow_burst(burst);
        let buckets = RateLimiter::keyed(quota).with_middleware::<StateInformationMiddleware>();
        Self { name, per_second, burst, buckets, asked: AtomicU32::new(0) }
    }

    fn take(&self, key: &K) -> Reading {
        if self.asked.fetch_add(1, Ordering::Relaxed) % SWEEP_EVERY == SWEEP_EVERY - 1 {
            self.buckets.retain_recent();
        }
        let (left, wait) = match self.buckets.check_key(key) {
            Ok(state) => (state.remaining_burst_capacity(), None),
            Err(not_until) => (0, Some(not_until.wait_time_from(DefaultClock::default().now()))),
        };
        Reading { name: self.name, per_second: self.per_second, burst: self.burst, left, wait: wait.map(whole_seconds) }
    }
}

/// Rounded up: who comes after this time is let in.
fn whole_seconds(time: Duration) -> Duration {
    Duration::from_secs(time.as_secs() + u64::from(time.subsec_nanos() > 0)).max(Duration::from_secs(1))
}

impl Reading {
    pub(super) fn is_spent(&self) -> bool {
        self.wait.is_some()
    }

    /// As draft-ietf-httpapi-ratelimit-headers has them: the policy, and what is left of it.
    pub(super) fn headers(&self) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
        let Self { name, burst, left, .. } = *self;
        let until_full = |missing: u32| missing.div_ceil(self.per_second.get());
        let policy = format!("\"{name}\";q={burst};w={}", until_full(burst.get()));
        let now = format!("\"{name}\";r={left};t={}", until_full(burst.get().saturating_sub(left)));
        let pairs = [("ratelimit-policy", policy), ("ratelimit", now)];
        pairs.into_iter().filter_map(|(name, value)| Some((HeaderName::from_static(name), value.parse().ok()?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(per_second: u32, burst: u32) -> Limits {
        let mut settings = runtime::config::read(None, []).unwrap().gateway;
        settings.requests_per_second = NonZeroU32::new(per_second).unwrap();
        settings.burst = NonZeroU32::new(burst).unwrap();
        Limits::new(&settings)
    }

    fn headers(reading: Reading) -> Vec<String> {
        reading.headers().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect()
    }

    #[test]
    fn each_tenant_has_a_measure_of_its_own_and_events_another() {
        let limits = limits(1, 2);
        let (one, other) = (TenantId::new(), TenantId::new());
        let first = limits.of_tenant(one, false);
        assert_eq!(headers(first), [r#"ratelimit-policy: "tenant";q=2;w=2"#, r#"ratelimit: "tenant";r=1;t=1"#]);
        limits.of_tenant(one, false);
        let spent = limits.of_tenant(one, false);
        assert_eq!((spent.left, spent.wait), (0, Some(Duration::from_secs(1))));
        assert!(!limits.of_tenant(one, true).is_spent());
        assert!(!limits.of_tenant(other, false).is_spent());
    }

    #[test]
    fn who_has_a_network_of_addresses_has_one_measure() {
        let limits = limits(1, 1);
        assert!(!limits.of_peer("2001:db8:1:2::1".parse().unwrap()).is_spent());
        assert!(limits.of_peer("2001:db8:1:2:ffff::2".parse().unwrap()).is_spent());
        assert!(!limits.of_peer("2001:db8:1:3::1".parse().unwrap()).is_spent());
        assert!(!limits.of_peer("192.0.2.1".parse().unwrap()).is_spent());
        assert!(!limits.of_peer("192.0.2.2".parse().unwrap()).is_spent());
    }

    #[test]
    fn strangers_are_forgotten() {
        // Refilled within a microsecond, so that whoever was here has been away long enough.
        let limits = limits(1_000_000, 1);
        for bits in 0..5 * SWEEP_EVERY {
            limits.of_peer(IpAddr::V4(bits.into()));
        }
        let known = limits.peers.buckets.len();
        assert!(known <= usize::try_from(SWEEP_EVERY).unwrap() + 1, "{known} are remembered");
    }
}
