//! What was accepted lately, and under which id: a platform that sends a delivery again is given the same answer. What is done with
//! one that is new is the intake's.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::mem;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use domain::id::{IntegrationId, WebhookLogId};
use domain::platform::PlatformSlug;

/// So many of the newest deliveries are remembered, and as many again at most; a repetition of a forgotten one is published again, which
/// does no harm.
const REMEMBERED: usize = 50_000;

/// What a delivery is remembered by, whatever length its platform's id has: 128 bits by a key that nobody outside knows.
type Name = u128;

/// What was accepted, and when.
#[derive(Clone, Copy, Debug)]
struct Accepted {
    delivery: WebhookLogId,
    at: Instant,
}

/// The deliveries that were accepted lately.
#[derive(Debug)]
pub(crate) struct Repetitions {
    accepted: Mutex<Generations>,
    key: RandomState,
    window: Duration,
}

/// When the younger one is full, the elder is forgotten. Both have their room from the beginning, so that nobody waits for it to be made.
#[derive(Debug)]
struct Generations {
    younger: HashMap<Name, Accepted>,
    elder: HashMap<Name, Accepted>,
}

impl Repetitions {
    /// Remembers each for so long, as far as there is room.
    pub(crate) fn within(window: Duration) -> Self {
        let [younger, elder] = [(); 2].map(|()| HashMap::with_capacity(REMEMBERED));
        Self { accepted: Mutex::new(Generations { younger, elder }), key: RandomState::new(), window }
    }

    /// What a delivery of this id is remembered by: the platform's to its app, or to one integration.
    pub(crate) fn name(&self, platform: &PlatformSlug, integration: Option<IntegrationId>, id: &str) -> Name {
        let half = |number: u8| u128::from(self.key.hash_one((number, platform, integration, id)));
        half(0) << 64 | half(1)
    }

    /// Under which id it was accepted the first time.
    pub(crate) fn first(&self, name: Name) -> Option<WebhookLogId> {
        let generations = self.accepted.lock().unwrap_or_else(PoisonError::into_inner);
        let accepted = generations.younger.get(&name).or_else(|| generations.elder.get(&name))?;
        (accepted.at.elapsed() < self.window).then_some(accepted.delivery)
    }

    /// Remembers one that was accepted just now.
    pub(crate) fn remember(&self, name: Name, delivery: WebhookLogId) {
        let mut generations = self.accepted.lock().unwrap_or_else(PoisonError::into_inner);
        let Generations { younger, elder } = &mut *generations;
        if younger.len() == REMEMBERED {
            mem::swap(younger, elder);
            younger.clear();
        }
        younger.insert(name, Accepted { delivery, at: Instant::now() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A_WHILE: Duration = Duration::from_secs(600);

    fn platform(name: &str) -> PlatformSlug {
        name.parse().unwrap()
    }

    #[test]
    fn a_delivery_is_known_again_by_its_platform_its_integration_and_its_id() {
        let (repetitions, delivery, integration) =
            (Repetitions::within(A_WHILE), WebhookLogId::new(), Some(IntegrationId::new()));
        let name = repetitions.name(&platform("zendesk"), integration, "1");
        assert_eq!(repetitions.first(name), None);
        repetitions.remember(name, delivery);
        assert_eq!(repetitions.first(repetitions.name(&platform("zendesk"), integration, "1")), Some(delivery));
        for (platform, integration, id) in [
            (platform("zendesk"), integration, "2"),
            (platform("zendesk"), Some(IntegrationId::new()), "1"),
            (platform("zendesk"), None, "1"),
            (platform("shopify"), integration, "1"),
        ] {
            assert_eq!(repetitions.first(repetitions.name(&platform, integration, id)), None);
        }
    }

    #[test]
    fn what_lies_before_the_window_is_new() {
        let repetitions = Repetitions::within(Duration::ZERO);
        let name = repetitions.name(&platform("hubspot"), None, "1");
        repetitions.remember(name, WebhookLogId::new());
        assert_eq!(repetitions.first(name), None);
    }

    /// Whoever sends more takes no more memory, and what was forgotten is the oldest.
    #[test]
    fn the_newest_are_remembered_and_twice_as_many_at_most() {
        let repetitions = Repetitions::within(A_WHILE);
        let names = (0..5 * REMEMBERED / 2).map(|id| repetitions.name(&platform("hubspot"), None, &id.to_string()));
        let names: Vec<_> = names.inspect(|name| repetitions.remember(*name, WebhookLogId::new())).collect();
        let is_known = |name: &&Name| repetitions.first(**name).is_some();
        assert_eq!(names.iter().rev().take_while(is_known).count(), names.iter().filter(is_known).count());
        assert_eq!(names.iter().filter(is_known).count(), 3 * REMEMBERED / 2);
    }
}
