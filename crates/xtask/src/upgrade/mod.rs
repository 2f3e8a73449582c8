//! `cargo xtask upgrade`: an older version at work while the new one's migrations are applied beneath it, and while it is replaced.

mod load;
mod older;
mod report;
mod turns;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use reqwest::Method;
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use self::load::{Load, Tally};
use self::report::{Report, Runs};
use crate::console::{Console, ServiceLines};
use crate::services::{Choice, Services};
use crate::session::{Build, Count, Options, PORTAL, Service, Session, Tenant};
use crate::{up, workspace};

const BASE_PORT: u16 = 30_500;

/// How long everything may take to be in step at the end.
const DEADLINE: Duration = Duration::from_secs(180);

const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// In which order the services are replaced: who reads what the others send comes before them, and who begins trouble of sorts that older
/// ones cannot read comes last.
const ORDER: [Service; 4] = [Service::SyncDispatcher, Service::ApiGateway, Service::WebhookIngest, Service::LogWriter];

/// The arguments of `cargo xtask upgrade`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The older version: a tag or a commit. Where nothing is said, the newest tag; without tags, the commit before the first migration
    /// that had to leave the version before alone.
    #[arg(long, value_name = "REV")]
    from: Option<String>,
    /// Seconds of load before, between and after the steps.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    #[command(flatten)]
    build: Build,
}

/// Upgrades a system that is at work, on servers of its own.
pub(crate) async fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let console = Console::new(ServiceLines::InFilesOnly);
    let older = older::find(args.from.as_deref()).await?;
    console.note(&format!("From {older}"));
    let build = async {
        args.build.run(&console).await?;
        older::build(&older, &console).await
    };
    let binaries = up::interruptible(build).await.transpose()?.context("interrupted")?;
    let folder = workspace::root().join(".dev/upgrade/run");
    Services::wipe(&folder).await?;
    let options =
        Options { choice: Choice::Private, binaries: Some(binaries), ..Options::new(BASE_PORT).without_limits() };
    let mut session = Session::open(&folder, options, console.clone()).await?;
    let outcome = up::interruptible(carry_out(&mut session, args.seconds, &console)).await;
    session.take_down().await;
    drop(session);
    let report = outcome.transpose()?.context("interrupted")?;
    console.print(&report.to_string());
    if report.is_clean() {
        Services::wipe(&folder).await?;
        return Ok(ExitCode::SUCCESS);
    }
    console.note(&format!("The logs are in {}", folder.join("logs").display()));
    Ok(ExitCode::FAILURE)
}

async fn carry_out(session: &mut Session, seconds: u64, console: &Console) -> anyhow::Result<Report> {
    session.bring_up().await?;
    let tenant = session.demo_tenant().await?;
    let contact = first_contact(session, &tenant).await?;
    let (phase, now) = watch::channel(0);
    let over = CancellationToken::new();
    let load = Load::begin(session, &tenant, contact).await?;
    // It asks until it is answered: where a service does not come back, it ends with this, or by the clock below.
    let load = AbortOnDropHandle::new(tokio::spawn(load.run(now, over.clone())));
    let steps = upgrade(session, &phase, Duration::from_secs(seconds), console).await?;
    over.cancel();
    let (people, tallies) = timeout(DEADLINE, load).await.context("something is not answered any more")???;
    let tally = |place: usize| -> Tally { tallies.get(&place).copied().unwrap_or_default() };
    let phases = steps.into_iter().enumerate().map(|(place, name)| (name, tally(place))).collect();
    let step = console.step("wait until everything is in step");
    let runs = runs(session, &tenant).await?;
    let count = session.settle(&tenant, expected(people), DEADLINE, |_| {}).await?;
    step.done();
    Ok(Report { phases, runs, count, dead_letters: session.dead_letters().await? })
}

/// Applies the new version's migrations and replaces service by service; gives what was so in each phase of the load.
async fn upgrade(
    session: &mut Session,
    phase: &watch::Sender<usize>,
    pause: Duration,
    console: &Console,
) -> anyhow::Result<Vec<String>> {
    let mut phases = vec!["the older version".to_owned()];
    tokio::time::sleep(pause).await;
    session.go_on_with(workspace::binaries()?);
    phase.send_replace(phases.len());
    phases.push("the older version, on the new schema".to_owned());
    session.migrate().await?;
    tokio::time::sleep(pause).await;
    for service in ORDER {
        phase.send_replace(phases.len());
        phases.push(format!("{} replaced", service.name()));
        let step = console.step(format!("replace {}", service.name()));
        session.stack.halt(service.name()).await;
        session.start(service)?;
        session.ready(service).await?;
        step.done();
        tokio::time::sleep(pause).await;
    }
    Ok(phases)
}

/// How the newest runs ended; those that are under way are waited for.
async fn runs(session: &Session, tenant: &Tenant) -> anyhow::Result<Runs> {
    let path = format!("/api/v1/integrations/{}/runs?limit=200", tenant.integration);
    let started = Instant::now();
    loop {
        let (status, list) = session.call(Method::GET, &path, &tenant.admin_token, None).await?;
        let runs = list.get("data").and_then(Value::as_array);
        let runs = runs.with_context(|| format!("GET {path} was answered {status}: {list}"))?;
        let done = runs.iter().filter(|run| run.get("state").and_then(Value::as_str) == Some("done")).count();
        let are_over = runs.iter().all(|run| run.get("ended_at").is_some_and(|at| !at.is_null()));
        if are_over || started.elapsed() > DEADLINE {
            return Ok(Runs { done, otherwise: runs.len() - done });
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

/// One person goes the whole way; whom the CRM then has, the deliveries speak of.
async fn first_contact(session: &Session, tenant: &Tenant) -> anyhow::Result<u64> {
    session.send_events(tenant, &[load::person(0)]).await?;
    session.settle(tenant, expected(1), DEADLINE, |_| {}).await?;
    let url = format!("{}/_sandbox/journal?platform=hubspot&account={PORTAL}", session.url(Service::Sandbox));
    let entries: Vec<Value> = session.client().get(url).send().await?.error_for_status()?.json().await?;
    // Properties are made there as well, and have names for ids.
    let word = |entry: &Value, name| entry.get(name).and_then(Value::as_str).map(str::to_owned);
    let is_made = |entry: &&Value| {
        word(entry, "object_type").as_deref() == Some("contacts") && word(entry, "action").as_deref() == Some("created")
    };
    let id = entries.iter().find(is_made).and_then(|entry| entry.get("id")).and_then(Value::as_str);
    id.context("the CRM has no contact")?.parse().context("a contact's id is no number")
}

fn expected(distinct_people: u64) -> Count {
    Count { accepted: 0, distinct_people, strangers: 0, in_crm: 0, duplicates: 0, owed: 0, seconds: 0.0 }
}
