//! Which process dies at which step, and which server is away meanwhile. How it is done is the module's above.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use rand::Rng as _;
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;

use crate::session::Service;

/// How long it goes on.
#[derive(Clone, Copy, Debug)]
pub enum Length {
    /// Each service dies at each of its steps once, and each server once.
    Once,
    /// The same again and again, in another order and at other moments, for so long.
    For(Duration),
}

/// A server that dies in a phase, and comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outage {
    Nothing,
    Database,
    /// For as long as the phase takes: what is accepted meanwhile is kept in the inbox.
    Broker,
}

/// Services that die side by side, each at one step after the other.
#[derive(Debug)]
pub(super) struct Phase {
    /// The steps, and at the how many-th time each is reached.
    pub(super) plans: BTreeMap<Service, Vec<(&'static str, u32)>>,
    pub(super) outage: Outage,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let deaths: usize = self.plans.values().map(Vec::len).sum();
        let beside = match self.outage {
            Outage::Nothing => "",
            Outage::Database => ", and of PostgreSQL",
            Outage::Broker => ", with RabbitMQ away",
        };
        write!(f, "{deaths} deaths of {} services{beside}", self.plans.len())
    }
}

/// What a service does to the outside world while both servers are up.
fn steps(service: Service) -> &'static [&'static str] {
    match service {
        Service::Sandbox => &[],
        Service::ApiGateway | Service::WebhookIngest => &["publish.before", "publish.after"],
        Service::SyncDispatcher => &[
            "publish.before",
            "publish.after",
            "ack.before",
            "ack.after",
            "commit.before",
            "commit.after",
            "read.before",
            "read.after",
            "write.before",
            "write.after",
        ],
        Service::LogWriter => &["commit.before", "commit.after", "ack.before", "ack.after"],
    }
}

/// One round: every service at every step, then with the database, then with the broker away.
pub(super) fn phases(dice: &mut StdRng) -> Vec<Phase> {
    let mut every = BTreeMap::new();
    for service in Service::ALL.into_iter().filter(|service| !steps(*service).is_empty()) {
        let mut lines: Vec<_> = steps(service).iter().map(|step| (*step, dice.random_range(1..=4))).collect();
        lines.shuffle(dice);
        every.insert(service, lines);
    }
    let mut at = |step: &'static str| (step, dice.random_range(1..=2));
    let with_database = [
        (Service::SyncDispatcher, vec![at("write.after"), at("commit.after")]),
        (Service::LogWriter, vec![at("commit.before")]),
    ];
    // Without the broker, what is accepted is committed to the inbox.
    let with_broker = [Service::ApiGateway, Service::WebhookIngest]
        .map(|service| (service, vec![at("commit.before"), at("commit.after")]));
    vec![
        Phase { plans: every, outage: Outage::Nothing },
        Phase { plans: with_database.into(), outage: Outage::Database },
        Phase { plans: with_broker.into(), outage: Outage::Broker },
    ]
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;

    use super::*;

    #[test]
    fn a_round_has_every_service_die_at_every_step_in_an_order_that_the_seed_says() {
        let round = |seed| format!("{:?}", phases(&mut StdRng::seed_from_u64(seed)));
        assert_eq!(round(7), round(7));
        assert_ne!(round(7), round(8));
        let deaths: usize =
            phases(&mut StdRng::seed_from_u64(7)).iter().flat_map(|phase| phase.plans.values()).map(Vec::len).sum();
        assert_eq!(deaths, 18 + 3 + 4);
    }
}
