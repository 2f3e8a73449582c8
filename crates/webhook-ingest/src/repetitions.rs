//! What was accepted lately, and under which id: a platform that sends a delivery again is given the same answer. What is done with
//! one that is new is the intake's.

use std::hash::{BuildHasher as _, RandomState};
use std::time::{Duration, Instant};

use domain::id::WebhookLogId;
use domain::platform::PlatformSlug;
use quick_cache::sync::Cache;

/// Deliveries that are remembered at once; a repetition of a forgotten one is published again, which does no harm.
const REMEMBERED: usize = 100_000;

/// What a delivery is remembered by, whatever length its platform's id has: 128 bits under keys that nobody knows, so that none who
/// signs deliveries can make two that are taken for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Name(u64, u64);

/// What was accepted, and when.
#[derive(Clone, Copy, Debug)]
struct Accepted {
    delivery: WebhookLogId,
    at: Instant,
}

/// The deliveries that were accepted lately.
#[derive(Debug)]
pub(crate) struct Repetitions {
    accepted: Cache<Name, Accepted>,
    keys: [RandomState; 2],
    window: Duration,
}

impl Repetitions {
    /// Remembers each for so long, as far as there is room.
    pub(crate) fn within(window: Duration) -> Self {
        Self { accepted: Cache::new(REMEMBERED), keys: [RandomState::new(), RandomState::new()], window }
    }

    /// What a platform's delivery of this id is remembered by.
    pub(crate) fn name(&self, platform: &PlatformSlug, id: &str) -> Name {
        let [first, second] = self.keys.each_ref().map(|key| key.hash_one((platform, id)));
        Name(first, second)
    }

    /// Under which id it was accepted the first time.
    pub(crate) fn first(&self, name: Name) -> Option<WebhookLogId> {
        let accepted = self.accepted.get(&name)?;
        (accepted.at.elapsed() < self.window).then_some(accepted.delivery)
    }

    /// Remembers one that was accepted just now.
    pub(crate) fn remember(&self, name: Name, delivery: WebhookLogId) {
        self.accepted.insert(name, Accepted { delivery, at: Instant::now() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hubspot() -> PlatformSlug {
        "hubspot".parse().unwrap()
    }

    #[test]
    fn a_delivery_is_known_again_by_its_platform_and_id() {
        let (repetitions, delivery) = (Repetitions::within(Duration::from_secs(60)), WebhookLogId::new());
        let name = repetitions.name(&hubspot(), "1");
        assert_eq!(repetitions.first(name), None);
        repetitions.remember(name, delivery);
        assert_eq!(repetitions.first(repetitions.name(&hubspot(), "1")), Some(delivery));
        assert_eq!(repetitions.first(repetitions.name(&hubspot(), "2")), None);
        assert_eq!(repetitions.first(repetitions.name(&"shopify".parse().unwrap(), "1")), None);
    }

    #[test]
    fn what_lies_before_the_window_is_new() {
        let repetitions = Repetitions::within(Duration::ZERO);
        let name = repetitions.name(&hubspot(), "1");
        repetitions.remember(name, WebhookLogId::new());
        assert_eq!(repetitions.first(name), None);
    }

    /// Whoever sends more than are remembered takes no more memory; the last is among those that are.
    #[test]
    fn so_many_are_remembered_and_no_more() {
        let repetitions = Repetitions::within(Duration::from_secs(600));
        let names = (0..REMEMBERED + 10_000).map(|id| repetitions.name(&hubspot(), &id.to_string()));
        let names: Vec<_> = names.inspect(|name| repetitions.remember(*name, WebhookLogId::new())).collect();
        let known = names.iter().filter(|name| repetitions.first(**name).is_some()).count();
        assert!((REMEMBERED * 9 / 10..=REMEMBERED).contains(&known), "{known} are remembered");
        assert!(names.last().is_some_and(|last| repetitions.first(*last).is_some()));
    }
}
