//! `cargo xtask bench`: each figure beside the physical limit measured in the same run.

mod build;
mod busy;
mod connection;
mod deliveries;
mod doors;
mod fairness;
mod flow;
mod full;
mod journal;
mod limits;
mod load;
mod loads;
mod measure;
mod moments;
mod n8n;
mod pages;
mod parts;
mod profile;
mod prospects;
mod report;
mod resident;
mod rows;
mod slow;
mod slowest;
mod standing;
mod tenants;
mod usage;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use serde_json::Value;

use self::measure::Wishes;
use self::parts::{Extent, Figures, Part};
use self::profile::Profile;
use self::report::Report;
use crate::console::{Console, ServiceLines};
use crate::services::{Choice, Services};
use crate::session::{Options, Service, Session, Workflows};
use crate::{up, workspace};

const BASE_PORT: u16 = 26_000;

/// The arguments of `cargo xtask bench`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Print the figures as one JSON object on standard output, and nothing else there.
    #[arg(long)]
    json: bool,
    /// Seconds for each measurement under load.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// A glance: some seconds for each measurement, less of everything.
    #[arg(long, conflicts_with_all = ["seconds", "events", "samples", "messages", "tenants", "records", "history", "lines"])]
    quick: bool,
    /// Events that are followed into the CRM, for each way of sharing them out.
    #[arg(long, default_value_t = 5_000, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    events: u64,
    /// Events that are sent one at a time, or how often each page is asked for.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..=1_000))]
    samples: u64,
    /// Measure this alone, which is not measured otherwise.
    #[arg(long, conflicts_with = "events")]
    only: Option<Part>,
    /// Measure everything in one run: what is measured where nothing is said, and whatever `--only` names, each on a system of its own.
    #[arg(long, conflicts_with_all = ["only", "profile"])]
    full: bool,
    /// Events of the backlog, for `--only backlog`; those that come together share a message.
    #[arg(long, default_value_t = 1_000_000)]
    messages: u64,
    /// Integrations that the work is spread over, for `--only in-flight` and `--only replicas`.
    #[arg(long, default_value_t = 120, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    tenants: u64,
    /// Records of one tenant's back-fill, and webhooks of another's platform, for `--only fairness` (100,000 where nothing is
    /// said); records of the tenant for `--only pages` (10,000).
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    records: Option<u64>,
    /// Rows of one integration in the log that is asked, for `--only log-rows`.
    #[arg(long, default_value_t = 10_000_000, value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    history: u64,
    /// Lines of the log behind the pages, for `--only pages`.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1_000..=100_000_000))]
    lines: u64,
    /// Tell for `--only fairness` also each step of the slowest events, and what PostgreSQL was at meanwhile; saying so much takes a
    /// little of what is measured.
    #[arg(long)]
    steps: bool,
    /// Look meanwhile where the processors' time goes, on the whole machine and in this service, function by function; takes `perf`.
    #[arg(long, value_name = "SERVICE", value_parser = service)]
    profile: Option<Service>,
    /// Run the release builds as they were built last.
    #[arg(long)]
    no_build: bool,
    /// Run the builds for development: figures of one such run compare with each other alone.
    #[arg(long)]
    debug: bool,
    /// Keep the data and the logs in .dev/bench when it is over.
    #[arg(long)]
    keep: bool,
}

fn service(name: &str) -> Result<Service, String> {
    let names = || Service::ALL.map(Service::name).join(", ");
    Service::ALL.into_iter().find(|service| service.name() == name).ok_or_else(|| format!("there are {}", names()))
}

/// What was measured.
#[derive(Debug)]
enum Measured {
    /// What is measured where nothing is said.
    Usual(Box<Report>),
    /// A part by itself.
    Alone(Figures),
}

impl Measured {
    /// As people read it.
    fn table(&self) -> String {
        match self {
            Self::Usual(report) => report.table(),
            Self::Alone(figures) => figures.to_string(),
        }
    }

    /// As programs read it.
    fn json(&self) -> serde_json::Result<Value> {
        match self {
            Self::Usual(report) => serde_json::to_value(report),
            Self::Alone(figures) => serde_json::to_value(figures),
        }
    }
}

/// Runs the benchmarks, on servers of their own.
pub(crate) async fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let console = Console::new(ServiceLines::InFilesOnly);
    if args.only == Some(Part::N8n) && !n8n::is_there(&console).await? {
        return Ok(ExitCode::SUCCESS);
    }
    if !args.no_build {
        up::interruptible(build::everything(!args.debug, &console)).await.transpose()?.context("interrupted")?;
    }
    if cfg!(debug_assertions) && !args.debug {
        return Err(build::go_on_as_released());
    }
    if args.full {
        return Box::pin(full::run(args, &console)).await;
    }
    let measured = Box::pin(args.by_itself(args.only, &console)).await;
    let measured =
        measured.inspect_err(|_| console.note(&format!("The logs are in {}", folder().join("logs").display())));
    let measured = measured?.context("interrupted")?;
    console.print(&if args.json { measured.json()?.to_string() } else { measured.table() });
    Ok(ExitCode::SUCCESS)
}

/// Where the system is that is measured.
fn folder() -> PathBuf {
    workspace::root().join(".dev/bench")
}

impl Args {
    /// Measures a part, or what is measured where nothing is said, on a system of its own; nothing where it was interrupted.
    async fn by_itself(&self, only: Option<Part>, console: &Console) -> anyhow::Result<Option<Measured>> {
        Services::wipe(&folder()).await?;
        let workflows = if only == Some(Part::N8n) { Workflows::Own } else { Workflows::None };
        let options = Options { choice: Choice::Private, workflows, ..Options::new(BASE_PORT).without_limits() };
        let mut session = Session::open(&folder(), options, console.clone()).await?;
        let outcome = up::interruptible(self.measure(only, &mut session, console)).await;
        session.take_down().await;
        drop(session);
        let measured = outcome.transpose()?;
        if !self.keep {
            Services::wipe(&folder()).await?;
        }
        Ok(measured)
    }

    /// Measures, and tells where the time went meanwhile if that is wished for.
    async fn measure(&self, only: Option<Part>, session: &mut Session, console: &Console) -> anyhow::Result<Measured> {
        let figures = Box::pin(self.figures(only, session, console));
        let Some(service) = self.profile else { return figures.await };
        let profile = Profile::begin(service).await?;
        let figures = figures.await?;
        // Standard output is kept for the figures.
        console.note(&profile.end().await?);
        Ok(figures)
    }

    async fn figures(&self, only: Option<Part>, session: &mut Session, console: &Console) -> anyhow::Result<Measured> {
        match only {
            None => Ok(Measured::Usual(Box::new(measure::everything(session, self.wishes(), console).await?))),
            Some(part) => Ok(Measured::Alone(part.measure(session, self.extent(part), console).await?)),
        }
    }

    fn extent(&self, part: Part) -> Extent {
        let Self { seconds, messages, tenants, samples, history, lines, steps, .. } = *self;
        if self.quick {
            return Extent { steps, ..Extent::QUICK };
        }
        let records = self.records.unwrap_or_else(|| part.records());
        Extent { seconds, messages, tenants, records, samples, history, lines, steps }
    }

    fn wishes(&self) -> Wishes {
        if self.quick {
            return Wishes { seconds: 2, events: 1_000, samples: 20 };
        }
        Wishes { seconds: self.seconds, events: self.events, samples: self.samples }
    }
}
