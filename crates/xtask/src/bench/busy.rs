//! How many processors each part of the system keeps busy, and what is left of them. What is done meanwhile is not known here.

use super::parts::Figures;
use super::report::float;
use super::resident;
use super::usage::{Cores, Meter, TreeMeter};
use crate::session::{Service, Session};

/// What is counted from now on.
#[derive(Debug)]
pub(super) struct Busy {
    parts: Vec<(String, TreeMeter)>,
    machine: Meter,
}

impl Busy {
    /// Begins to count for everything that runs now, a second dispatcher too.
    pub(super) fn start(session: &Session) -> Self {
        let names = Service::ALL.into_iter().map(|service| service.name().to_owned());
        let names = names.chain([Service::SyncDispatcher.another()]);
        let ours = names.filter_map(|name| session.stack.pid(&name).map(|pid| (name, pid)));
        let servers = resident::servers(session).into_iter().flatten().map(|(name, pid)| (name.to_owned(), pid));
        let parts = ours.chain(servers).map(|(name, pid)| (name, TreeMeter::start(pid))).collect();
        Self { parts, machine: Meter::start(None) }
    }

    /// Adds what was counted so far, for what was done meanwhile.
    pub(super) fn add(&self, done: &str, figures: &mut Figures) {
        let Cores { generator, machine, .. } = self.machine.read();
        for (name, meter) in &self.parts {
            figures.add(format!("{done}, processors in use by {name}"), meter.read(), "cores");
        }
        figures.add(format!("{done}, by the benchmark itself"), generator, "cores");
        figures.add(format!("{done}, in the whole machine"), machine, "cores");
        let all =
            std::thread::available_parallelism().map_or(0.0, |count| float(u64::try_from(count.get()).unwrap_or(0)));
        figures.add(format!("{done}, processors idle"), (all - machine).max(0.0), "cores");
    }
}
