//! Platforms that take their time: how many calls a dispatcher has in flight then, and what a second one adds.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde::Deserialize;
use serde_json::json;

use super::flow;
use super::journal::Journal;
use super::measure::address;
use super::parts::{Extent, Figures};
use super::prospects::Series;
use super::report::float;
use super::tenants;
use super::usage::{Cores, Meter};
use crate::console::Console;
use crate::session::{Service, Session, Tenant};

/// A record a call, so that calls are what is counted; and more lanes than the account's budget can fill.
const ONE_BY_ONE: [(&str, &str); 2] = [("LANE_BATCH", "1"), ("LANE_PARALLEL", "16")];
/// Where calls are not to be bounded.
const UNBOUNDED: Slow = Slow { at_once: "4000", latency_ms: 2_000, events_a_request: flow::BATCH };
/// Where they are. What a lane has no room for is left to the database, from which its dispatcher takes it beside the bound, and lets
/// others take a part: so few of a tenant come together that its lane takes them all, and its account's budget grants their calls.
const BOUNDED: Slow = Slow { at_once: "100", latency_ms: 500, events_a_request: 4 };
/// Until the calls that began with the work are followed by others.
const WARM_UP: Duration = Duration::from_secs(8);
const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// Events for each integration: more than it does while it is measured.
const EVENTS_EACH: u64 = 300;
/// What waits is not announced once more beside what is measured, on a lane that has a bound of its own.
const ANNOUNCED_ONCE: (&str, &str) = ("OWED_FOR_TOO_LONG", "1h");
/// Where events wait to be merged.
const INTAKE: &str = "dispatcher.event.merge";
/// RabbitMQ counts a queue's messages every five seconds: what is empty for longer is empty.
const EMPTY_FOR: Duration = Duration::from_secs(7);

/// How slow platforms are called.
#[derive(Clone, Copy, Debug)]
struct Slow {
    /// Announcements that a dispatcher may hold, and so calls.
    at_once: &'static str,
    /// What a call takes.
    latency_ms: u64,
    /// Events of one tenant that are announced together.
    events_a_request: u64,
}

/// Calls that one dispatcher has in flight when each takes two seconds.
pub(super) async fn in_flight(session: &mut Session, extent: Extent, console: &Console) -> anyhow::Result<Figures> {
    prepare(session, (extent, UNBOUNDED), console).await?;
    let step = console.step("calls in flight of one dispatcher, two seconds each");
    tokio::time::sleep(WARM_UP).await;
    let meter = Meter::start(session.stack.pid(Service::SyncDispatcher.name()));
    let (began, mut seen) = (Instant::now(), Vec::new());
    while began.elapsed() < Duration::from_secs(extent.seconds) {
        seen.push(under_way(session).await?);
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    let cores = meter.read();
    step.done();
    seen.sort_unstable();
    let at = |share: usize| seen.get(seen.len() * share / 100).copied().unwrap_or_default();
    let mut figures = Figures::default();
    figures.add("calls in flight, median", f64::from(at(50)), "");
    figures.add("calls in flight, a tenth of the time no more than", f64::from(at(10)), "");
    add_cores(&mut figures, "one dispatcher", cores);
    Ok(figures)
}

/// What two dispatchers do of what one does, each with a hundred announcements in hand, where a call takes half a second.
pub(super) async fn replicas(session: &mut Session, extent: Extent, console: &Console) -> anyhow::Result<Figures> {
    prepare(session, (extent, BOUNDED), console).await?;
    let mut figures = Figures::default();
    let one = contacts_per_second(session, extent, console).await?;
    session.start_another(Service::SyncDispatcher, 0)?;
    let two = contacts_per_second(session, extent, console).await?;
    for (name, (rate, cores)) in [("one dispatcher", one), ("two dispatchers", two)] {
        figures.add(format!("contacts written by {name}"), rate, "a second");
        add_cores(&mut figures, name, cores);
    }
    figures.add("two, as a multiple of one", two.0 / one.0.max(0.001), "times");
    // Of work there was enough to the end.
    figures.add("announcements that still waited at the end", float(session.under_way().await?), "");
    Ok(figures)
}

/// Brings up a system of slow platforms and gives it work for longer than it is measured.
async fn prepare(session: &mut Session, (extent, slow): (Extent, Slow), console: &Console) -> anyhow::Result<()> {
    for (key, value) in ONE_BY_ONE.into_iter().chain([("PUSH_PREFETCH", slow.at_once), ANNOUNCED_ONCE]) {
        session.set(&format!("COCCINELLE__DISPATCHER__{key}"), value);
    }
    session.bring_up().await?;
    let step = console.step(format!("{} integrations of slow platforms, and work for them", extent.tenants));
    let made = tenants::make(session, extent.tenants).await?;
    for portal in tenants::portals(extent.tenants) {
        let url = format!("{}/_sandbox/hubspot/{portal}/faults", session.url(Service::Sandbox));
        session.client().put(url).json(&json!({ "latency_ms": slow.latency_ms })).send().await?.error_for_status()?;
    }
    // All merged before the clock starts: pushes are measured, and nothing else.
    let tenants: Vec<&Tenant> = made.iter().collect();
    let events = extent.tenants.saturating_mul(EVENTS_EACH);
    let gateway = address(session, Service::ApiGateway);
    flow::send_by(slow.events_a_request, gateway, &tenants, (Series::ManyTenants, events)).await?;
    merged(session).await?;
    step.done();
    Ok(())
}

/// Waits until no event is left to be merged.
async fn merged(session: &Session) -> anyhow::Result<()> {
    let mut empty_since = Instant::now();
    while empty_since.elapsed() < EMPTY_FOR {
        if session.under_way_in(INTAKE).await? > 0 {
            empty_since = Instant::now();
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    Ok(())
}

async fn contacts_per_second(session: &Session, extent: Extent, console: &Console) -> anyhow::Result<(f64, Cores)> {
    let step = console.step("contacts of slow platforms");
    tokio::time::sleep(WARM_UP).await;
    let mut journal = Journal::from_now(session).await?;
    let meter = Meter::start(session.stack.pid(Service::SyncDispatcher.name()));
    let began = Instant::now();
    tokio::time::sleep(Duration::from_secs(extent.seconds)).await;
    let (written, took) = (journal.news().await?.len(), began.elapsed());
    let cores = meter.read();
    step.done();
    Ok((f64::from(u32::try_from(written)?) / took.as_secs_f64(), cores))
}

fn add_cores(figures: &mut Figures, of: &str, cores: Cores) {
    figures.add(format!("processors in use by {of} (the first process)"), cores.service, "cores");
    figures.add(format!("processors in use in the whole machine, {of}"), cores.machine, "cores");
    let all = std::thread::available_parallelism().map_or(0.0, |count| float(u64::try_from(count.get()).unwrap_or(0)));
    figures.add(format!("processors idle, {of}"), (all - cores.machine).max(0.0), "cores");
}

#[derive(Deserialize)]
struct UnderWay {
    under_way: u32,
}

async fn under_way(session: &Session) -> anyhow::Result<u32> {
    let url = format!("{}/_sandbox/under-way", session.url(Service::Sandbox));
    let answer = session.client().get(url).send().await?.error_for_status()?;
    let counted: UnderWay = answer.json().await.context("the sandbox does not count its requests")?;
    Ok(counted.under_way)
}
