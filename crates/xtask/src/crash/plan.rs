//! Which process dies at which step, and which server is away meanwhile. How it is done is the module's above.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use rand::Rng as _;
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;

use crate::session::Service;
use Service::{ApiGateway, LogWriter, SyncDispatcher, WebhookIngest};
use When::{Always, BrokerBack, ByWorkflows, WithoutBroker};

/// How long it goes on.
#[derive(Clone, Copy, Debug)]
pub enum Length {
    /// The dispatcher alone dies, so many times, where a platform has taken a write and nothing is noted of it.
    Writes(usize),
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

/// The steps at which a service dies, one life after the other, and at the how many-th time each is reached.
pub(super) type Lines = Vec<(&'static str, u32)>;

/// Services that die side by side, each at one step after the other.
#[derive(Debug)]
pub(super) struct Phase {
    /// Those that die while the server is away.
    pub(super) plans: BTreeMap<Service, Lines>,
    /// Those that die of what they find to do when it is back.
    pub(super) afterwards: BTreeMap<Service, Lines>,
    pub(super) outage: Outage,
}

impl Phase {
    /// Everybody who dies in it.
    pub(super) fn all(&self) -> impl Iterator<Item = (Service, &Lines)> {
        self.plans.iter().chain(&self.afterwards).map(|(service, lines)| (*service, lines))
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let deaths: usize = self.all().map(|(_, lines)| lines.len()).sum();
        let beside = match self.outage {
            Outage::Nothing => "",
            Outage::Database => ", and of PostgreSQL",
            Outage::Broker => ", with RabbitMQ away",
        };
        write!(f, "{deaths} deaths of {} services{beside}", self.all().count())
    }
}

/// When a step is come by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    /// While both servers are up.
    Always,
    /// Only while RabbitMQ is away.
    WithoutBroker,
    /// Only when it is back after that.
    BrokerBack,
    /// Only where a workflow makes something. A run has no n8n: that the gateway dies there is a test of its own, `proxied`.
    ByWorkflows,
}

/// Every step that there is: who dies there, when, and at the how many-th time at most.
const TABLE: [(&str, &[Service], When, u32); 33] = [
    ("accept.before", &[ApiGateway], Always, 4),
    ("accept.after", &[ApiGateway], Always, 4),
    ("proxy.before", &[ApiGateway], ByWorkflows, 1),
    ("proxy.after", &[ApiGateway], ByWorkflows, 1),
    ("hook.before", &[WebhookIngest], Always, 4),
    ("hook.after", &[WebhookIngest], Always, 4),
    ("inbox.before", &[ApiGateway, WebhookIngest], WithoutBroker, 2),
    ("inbox.after", &[ApiGateway, WebhookIngest], WithoutBroker, 2),
    ("inbox.passed_on", &[SyncDispatcher], BrokerBack, 1),
    ("event.taken", &[SyncDispatcher], Always, 4),
    ("event.merged", &[SyncDispatcher], Always, 4),
    ("hook.applied", &[SyncDispatcher], Always, 4),
    ("link.leased", &[SyncDispatcher], Always, 4),
    ("link.settled", &[SyncDispatcher], Always, 4),
    ("log.told", &[SyncDispatcher], Always, 4),
    ("token.answered", &[SyncDispatcher], Always, 2),
    ("token.kept", &[SyncDispatcher], Always, 2),
    ("page.before", &[SyncDispatcher], Always, 3),
    ("page.after", &[SyncDispatcher], Always, 3),
    ("overdue.found", &[SyncDispatcher], Always, 1),
    ("overdue.announced", &[SyncDispatcher], Always, 1),
    ("rows.before", &[LogWriter], Always, 4),
    ("rows.after", &[LogWriter], Always, 4),
    // Wherever else it may be that something is published, acknowledged, committed, read or written.
    ("publish.before", &[ApiGateway, WebhookIngest, SyncDispatcher], Always, 4),
    ("publish.after", &[ApiGateway, WebhookIngest, SyncDispatcher], Always, 4),
    ("ack.before", &[SyncDispatcher, LogWriter], Always, 4),
    ("ack.after", &[SyncDispatcher, LogWriter], Always, 4),
    ("commit.before", &[ApiGateway, SyncDispatcher, LogWriter], Always, 4),
    ("commit.after", &[ApiGateway, SyncDispatcher, LogWriter], Always, 4),
    ("read.before", &[SyncDispatcher], Always, 4),
    ("read.after", &[SyncDispatcher], Always, 4),
    ("write.before", &[SyncDispatcher], Always, 4),
    ("write.after", &[SyncDispatcher], Always, 4),
];

/// Who dies over leases leaves links that are free only when these have run out: that is when the reconciler finds something.
const LEAVES_LEASES: &str = "link.leased";
const FINDS_THEM: [&str; 2] = ["overdue.found", "overdue.announced"];

/// What each service dies at in this situation, in an order that the dice say.
fn lines(when: When, dice: &mut StdRng) -> BTreeMap<Service, Lines> {
    let mut of = BTreeMap::new();
    for service in Service::ALL {
        let its = TABLE.iter().filter(|(_, who, then, _)| *then == when && who.contains(&service));
        let mut lines: Lines = its.map(|(step, _, _, most)| (*step, dice.random_range(1..=*most))).collect();
        lines.shuffle(dice);
        lines.retain(|(step, _)| !FINDS_THEM.contains(step));
        if let Some(place) = lines.iter().position(|(step, _)| *step == LEAVES_LEASES) {
            lines.splice(place + 1..place + 1, FINDS_THEM.map(|step| (step, 1)));
        }
        if !lines.is_empty() {
            of.insert(service, lines);
        }
    }
    of
}

/// One round: every service at every step, then some with the database, then with the broker away and back.
pub(super) fn phases(dice: &mut StdRng) -> Vec<Phase> {
    let every = lines(Always, dice);
    let mut at = |step: &'static str| (step, dice.random_range(1..=2));
    let with_database = [
        (SyncDispatcher, vec![at("write.after"), at("commit.after"), at("link.settled")]),
        (LogWriter, vec![at("commit.before"), at("rows.after")]),
    ];
    vec![
        Phase { plans: every, afterwards: BTreeMap::new(), outage: Outage::Nothing },
        Phase { plans: with_database.into(), afterwards: BTreeMap::new(), outage: Outage::Database },
        // Without the broker, what is accepted is committed to the inbox.
        Phase { plans: lines(WithoutBroker, dice), afterwards: lines(BrokerBack, dice), outage: Outage::Broker },
    ]
}

/// The dispatcher's deaths over so many writes.
pub(super) fn writes(times: usize) -> Phase {
    let plans = [(SyncDispatcher, vec![("write.after", 1_u32); times])];
    Phase { plans: plans.into(), afterwards: BTreeMap::new(), outage: Outage::Nothing }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rand::SeedableRng as _;

    use super::*;

    #[test]
    fn a_round_has_every_service_die_at_every_step_in_an_order_that_the_seed_says() {
        let round = |seed| format!("{:?}", phases(&mut StdRng::seed_from_u64(seed)));
        assert_eq!(round(7), round(7));
        assert_ne!(round(7), round(8));
        for seed in 0..50 {
            let phases = phases(&mut StdRng::seed_from_u64(seed));
            let die =
                |(service, lines): (Service, &Lines)| lines.iter().map(move |(step, _)| (*step, service)).collect();
            let died: BTreeSet<_> = phases.iter().flat_map(Phase::all).flat_map::<Vec<_>, _>(die).collect();
            let named = TABLE.iter().filter(|(_, _, when, _)| *when != ByWorkflows);
            let named = named.flat_map(|(step, who, ..)| who.iter().map(|service| (*step, *service)));
            assert_eq!(died, named.collect::<BTreeSet<_>>());
        }
    }

    #[test]
    fn what_the_reconciler_finds_was_left_by_a_death_before() {
        let phases = phases(&mut StdRng::seed_from_u64(3));
        let steps: Vec<&str> = phases[0].plans[&SyncDispatcher].iter().map(|(step, _)| *step).collect();
        let place = steps.iter().position(|step| *step == LEAVES_LEASES).unwrap();
        assert_eq!(steps[place + 1..place + 3], FINDS_THEM);
    }
}
