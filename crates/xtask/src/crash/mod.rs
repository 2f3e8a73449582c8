//! `cargo xtask crash`: everything killed at every step under load, and the count of what was lost or done twice.
//!
//! What is sent is `load`'s, which process dies where is `plan`'s, what came of it is `verdict`'s.

mod backend;
mod consent;
pub mod faults;
pub(crate) mod hooks;
mod journal;
mod ledger;
mod load;
mod log;
mod plan;
mod verdict;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use tokio_util::sync::CancellationToken;

pub use self::backend::Backend;
pub use self::plan::Length;
use self::plan::{Lines, Outage, Phase};
use self::verdict::Scene;
pub use self::verdict::{CALLERS, Verdict};
use crate::console::{Console, ServiceLines};
use crate::services::postgres::Durability;
use crate::services::{Choice, Services};
use crate::session::{Build, Options, Service, Session};
use crate::stack::Backoff;
use crate::{up, workspace};

const BASE_PORT: u16 = 28_000;

/// How long a service may take to reach the step at which it dies: it may have to start first, on a loaded machine.
const DYING: Duration = Duration::from_secs(120);
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Settings under which everything that waits waits seconds, so that many crashes have room in a minute.
const IMPATIENT: [(&str, &str); 7] = [
    ("DISPATCHER__LEASE", "5s"),
    ("DISPATCHER__PLATFORM_TIMEOUT", "3s"),
    ("DISPATCHER__RECONCILE_EVERY", "1s"),
    ("DISPATCHER__OWED_FOR_TOO_LONG", "2s"),
    // A webhook whose sender gives up is made up for by polling.
    ("DISPATCHER__POLL_EVERY", "20s"),
    ("BROKER__RETRY_SCHEDULE", "1s,2s,4s"),
    ("BROKER__CONFIRM_TIMEOUT", "2s"),
];

/// The arguments of `cargo xtask crash`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Minutes of crashes; the load goes on all the while.
    #[arg(long, default_value_t = 10)]
    minutes: u64,
    #[command(flatten)]
    start: Start,
}

/// What both suites begin with that make trouble under this load.
#[derive(clap::Args, Debug)]
struct Start {
    /// Another seed sends other events, and kills elsewhere.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    #[command(flatten)]
    build: Build,
}

impl Start {
    /// The console, once the services are built.
    async fn console(&self) -> anyhow::Result<Console> {
        let console = Console::new(ServiceLines::InFilesOnly);
        up::interruptible(self.build.run(&console)).await.transpose()?.context("interrupted")?;
        Ok(console)
    }
}

pub(crate) async fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let console = args.start.console().await?;
    let folder = workspace::root().join(".dev/crash-run");
    Services::wipe(&folder).await?;
    let options = options(BASE_PORT, &folder);
    let mut session = Session::open(&folder, options, console.clone()).await?;
    let length = Length::For(Duration::from_mins(args.minutes));
    let backend = Backend::start(&mut session).await?;
    let work = async {
        session.bring_up().await?;
        torment(&session, &backend, (args.start.seed, length), &console).await
    };
    let outcome = up::interruptible(Box::pin(work)).await;
    session.take_down().await;
    drop(session);
    let verdict = outcome.transpose()?.context("interrupted")?;
    console.print(&verdict.to_string());
    if verdict.is_clean() {
        Services::wipe(&folder).await?;
        return Ok(ExitCode::SUCCESS);
    }
    console.note(&format!("The logs are in {}", folder.join("logs").display()));
    Ok(ExitCode::FAILURE)
}

/// A system in `folder` whose services can be told to die, and that promises durability to be killed in earnest.
#[must_use]
pub fn options(base_port: u16, folder: &Path) -> Options {
    let pause = Duration::from_millis(200);
    let mut options = Options::new(base_port).without_limits();
    // They are killed: no servers of somebody else's.
    options.choice = Choice::Private;
    options.durability = Durability::Kept;
    options.backoff = Backoff { first: pause, longest: pause, steady: Duration::from_secs(60) };
    let impatient = IMPATIENT.map(|(key, value)| (format!("COCCINELLE__{key}"), value.to_owned()));
    options.settings.extend(impatient);
    let plans = plans(folder).display().to_string();
    options.settings.push(("COCCINELLE__CRASH__PLAN_FOLDER".to_owned(), plans));
    options
}

fn plans(folder: &Path) -> std::path::PathBuf {
    folder.join("crashes")
}

/// Sends events and edits the CRM by hand while processes, broker and database die; then waits until all is in step, and
/// counts.
///
/// # Errors
/// When a service does not reach the step at which it should die, or the system does not come up again.
pub async fn torment(
    session: &Session,
    backend: &Backend,
    (seed, length): (u64, Length),
    console: &Console,
) -> anyhow::Result<Verdict> {
    std::fs::create_dir_all(plans(session.home().folder()))?;
    under_load(session, backend, seed, console, crash(session, seed, length, console)).await
}

/// Sends and edits while there is trouble; then waits until all is in step, and counts.
async fn under_load(
    session: &Session,
    backend: &Backend,
    seed: u64,
    console: &Console,
    trouble: impl Future<Output = anyhow::Result<Deaths>>,
) -> anyhow::Result<Verdict> {
    load::prepare(session, seed).await?;
    let tenant = &session.demo_tenant().await?;
    consent::give(session, tenant).await?;
    let stop = CancellationToken::new();
    let began = Instant::now();
    let load = load::send(session, tenant, seed, &stop);
    let trouble = async {
        let deaths = trouble.await?;
        stop.cancel();
        Ok(deaths)
    };
    let (ledger, deaths) = tokio::try_join!(load, trouble)?;
    let step = console.step("wait until all is in step");
    let scene = Scene { session, tenant, backend, ledger: &ledger };
    let verdict = verdict::settle(scene, deaths).await?;
    step.done();
    Ok(verdict.after(seed, began.elapsed()))
}

/// How often each service died at each step, and servers beside them.
type Deaths = BTreeMap<(String, String), u64>;

async fn crash(session: &Session, seed: u64, length: Length, console: &Console) -> anyhow::Result<Deaths> {
    let mut dice = StdRng::seed_from_u64(seed);
    let (began, mut deaths, mut round) = (Instant::now(), Deaths::new(), 0_u32);
    loop {
        round += 1;
        let phases = match length {
            Length::Writes(times) => vec![plan::writes(times)],
            Length::Once | Length::For(_) => plan::phases(&mut dice),
        };
        for phase in phases {
            let step = console.step(format!("round {round}: {phase}"));
            go_through(session, &phase, &mut deaths).await?;
            step.done();
        }
        match length {
            Length::Writes(_) | Length::Once => return Ok(deaths),
            Length::For(time) if began.elapsed() >= time => return Ok(deaths),
            Length::For(_) => {}
        }
    }
}

/// Has each service of a phase die at each of its steps, while a server is away or comes back.
async fn go_through(session: &Session, phase: &Phase, deaths: &mut Deaths) -> anyhow::Result<()> {
    let folder = plans(session.home().folder());
    for (service, _) in phase.all() {
        // One that has only just been started again would take the first line away.
        session.ready(service).await?;
    }
    for (service, lines) in phase.all() {
        drop(std::fs::remove_file(folder.join(format!("{}.deaths", service.name()))));
        let text: String = lines.iter().map(|(step, times)| format!("{step}@{times}\n")).collect();
        std::fs::write(folder.join(format!("{}.plan", service.name())), text)?;
    }
    if phase.outage == Outage::Broker {
        services(session)?.rabbitmq.kill().await?;
    }
    for (service, _) in phase.all() {
        // At whatever it is doing just now; its successor dies by the plan.
        session.stack.kill(service.name()).await?;
        count(deaths, service.name(), "anywhere");
    }
    if phase.outage == Outage::Database {
        let postgres = &services(session)?.postgres;
        postgres.kill().await?;
        postgres.boot(Durability::Kept).await?;
        count(deaths, "PostgreSQL", "anywhere");
    }
    wait_for_deaths(session, &phase.plans, deaths).await?;
    if phase.outage == Outage::Broker {
        services(session)?.rabbitmq.boot().await?;
        count(deaths, "RabbitMQ", "anywhere");
    }
    wait_for_deaths(session, &phase.afterwards, deaths).await
}

fn services(session: &Session) -> anyhow::Result<&Services> {
    session.services.as_ref().context("servers that somebody else runs cannot be killed")
}

fn count(deaths: &mut Deaths, name: &str, step: &str) {
    *deaths.entry((name.to_owned(), step.to_owned())).or_default() += 1;
}

/// Waits until each has died at each of its steps: one that is not reached is one that nothing is known of.
async fn wait_for_deaths(
    session: &Session,
    plans: &BTreeMap<Service, Lines>,
    deaths: &mut Deaths,
) -> anyhow::Result<()> {
    for (service, lines) in plans {
        let note = self::plans(session.home().folder()).join(format!("{}.deaths", service.name()));
        let (mut died, mut began) = (0, Instant::now());
        while died < lines.len() {
            tokio::time::sleep(LOOK_AGAIN).await;
            let now = std::fs::read_to_string(&note).unwrap_or_default().lines().count();
            if now > died {
                (died, began) = (now, Instant::now());
            } else if began.elapsed() > DYING {
                let next = lines.get(died).map_or("?", |(step, _)| step);
                let tail = session.stack.tail(service.name(), 20);
                anyhow::bail!("{} does not come by `{next}`; its log ends with:\n{tail}", service.name());
            }
        }
        for (step, _) in lines {
            count(deaths, service.name(), step);
        }
    }
    Ok(())
}
