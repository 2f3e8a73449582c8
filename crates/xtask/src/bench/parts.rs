//! Single measurements that are made only where they are asked for by name, each on a system of its own: what they take is long,
//! or other settings than the rest.

use std::fmt;

use serde::Serialize;

use super::load::Load;
use super::report::float;
use super::{doors, fairness, loads, n8n, pages, rows, slow, standing};
use crate::console::Console;
use crate::session::Session;

/// What can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Part {
    /// Rows a second into the log, beside what COPY reaches alone, and how long each sort of query takes in a long log.
    LogRows,
    /// Memory of `log-writer` while PostgreSQL is away and lines come in.
    LogAway,
    /// Platform calls that one dispatcher has in flight at once, when each takes two seconds.
    InFlight,
    /// What two dispatchers do, beside what one does.
    Replicas,
    /// Memory of a dispatcher before a large backlog.
    Backlog,
    /// How much later a tenant's events reach its platform while another tenant floods the system.
    Fairness,
    /// How soon each platform's deliveries are answered at 500 a second.
    Doors,
    /// Deliveries at 1 to 256 connections and at half of the most, events by the size of a request, the whole way at half load and to
    /// a slow platform; memory, start-up and size of each program.
    Loads,
    /// How soon each page of the dashboard is answered, over a month of a tenant's work.
    Pages,
    /// Webhooks and whole round trips, by a real n8n and by us.
    #[value(name = "n8n")]
    N8n,
}

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub(super) struct Extent {
    /// Seconds for each measurement.
    pub(super) seconds: u64,
    /// Events of a backlog.
    pub(super) messages: u64,
    /// Integrations that the work is spread over.
    pub(super) tenants: u64,
    /// Records of a back-fill, and webhooks of a flood; or records of the tenant whose pages are shown.
    pub(super) records: u64,
    /// Events that are sent one at a time, or how often each page is asked for.
    pub(super) samples: u64,
    /// Rows of a long log.
    pub(super) history: u64,
    /// Lines of the log behind the pages.
    pub(super) lines: u64,
    /// Whether the steps of the slowest events are told.
    pub(super) steps: bool,
}

impl Extent {
    /// A glance.
    pub(super) const QUICK: Self = Self {
        seconds: 5,
        messages: 5_000,
        tenants: 8,
        records: 2_000,
        samples: 20,
        history: 100_000,
        lines: 20_000,
        steps: false,
    };
}

/// Figures with their names.
#[derive(Debug, Default, Serialize)]
pub(super) struct Figures(Vec<Figure>);

#[derive(Debug, Serialize)]
struct Figure {
    name: String,
    value: f64,
    unit: &'static str,
}

impl Figures {
    pub(super) fn add(&mut self, name: impl Into<String>, value: f64, unit: &'static str) {
        self.0.push(Figure { name: name.into(), value, unit });
    }

    /// What a load came to; gives how much was answered in a second.
    pub(super) fn add_load(&mut self, name: &str, load: &Load) -> f64 {
        let per_second = float(load.answered) / load.elapsed.as_secs_f64();
        self.add(name, per_second, "a second");
        self.add(format!("{name}, p50"), load.waits.millis(50.0), "ms");
        self.add(format!("{name}, p99"), load.waits.millis(99.0), "ms");
        per_second
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Figure { name, value, unit } in &self.0 {
            writeln!(f, "  {name:<60}{value:>12.1} {unit}")?;
        }
        Ok(())
    }
}

impl Part {
    /// Measures it.
    ///
    /// # Errors
    /// Fails when a part of the system does not come up, or something cannot be measured.
    pub(super) async fn measure(
        self,
        session: &mut Session,
        extent: Extent,
        console: &Console,
    ) -> anyhow::Result<Figures> {
        match self {
            Self::LogRows => rows::measure(session, extent, console).await,
            Self::LogAway => standing::log_away(session, extent, console).await,
            Self::InFlight => slow::in_flight(session, extent, console).await,
            Self::Replicas => slow::replicas(session, extent, console).await,
            Self::Backlog => standing::backlog(session, extent, console).await,
            Self::Fairness => fairness::measure(session, extent, console).await,
            Self::Doors => doors::measure(session, extent, console).await,
            Self::Loads => loads::measure(session, extent, console).await,
            Self::Pages => pages::measure(session, extent, console).await,
            Self::N8n => n8n::measure(session, extent, console).await,
        }
    }

    /// How many records there are, where nobody says.
    pub(super) fn records(self) -> u64 {
        if self == Self::Pages { 10_000 } else { 100_000 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_stand_below_each_other() {
        let mut figures = Figures::default();
        figures.add("calls in flight", 1_024.0, "");
        figures.add("memory", 49.25, "MiB");
        let lines: Vec<String> = figures.to_string().lines().map(str::to_owned).collect();
        assert_eq!(lines.len(), 2);
        assert!(lines[0].starts_with("  calls in flight") && lines[1].ends_with("49.2 MiB"), "{lines:?}");
        assert_eq!(lines[0].find("1024.0").map(|at| at + 6), lines[1].find("49.2").map(|at| at + 4));
    }
}
