//! Platforms that take their time: how many calls a dispatcher has in flight then, and what a second one adds.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde::Deserialize;
use serde_json::json;

use super::busy::Busy;
use super::flow;
use super::journal::Journal;
use super::measure::{COUNTED, INTAKE, address};
use super::parts::{Extent, Figures};
use super::prospects::Series;
use super::report::float;
use super::tenants;
use crate::console::Console;
use crate::session::{Service, Session, Tenant};

/// Calls of one account at once: in two seconds its budget grants nearly twice as many, so that none of them waits for it.
const PARALLEL: u64 = 10;
/// What a lane holds: those, and the announcements that wait in it, four where a batch is of one.
const LANE: u64 = PARALLEL + 4;
/// Calls are counted, and all of them are announced: a record a call, so that an announcement in hand is a call in flight; and neither
/// runs, nor what is announced again, bring more of them on the bulk lane, which has a bound of its own.
const CALL_BY_CALL: [(&str, &str); 3] = [("LANE_BATCH", "1"), ("POLL_EVERY", "0s"), ("OWED_FOR_TOO_LONG", "1h")];
/// Until the calls that began with the work are followed by others, and a second dispatcher has begun.
const WARM_UP: Duration = Duration::from_secs(8);
const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// Where announcements wait, the bulk lane's too.
const ANNOUNCED: &str = "dispatcher.record.push";
/// Events for each integration: more than it does while it is measured.
const EVENTS_EACH: u64 = 250;
/// What PostgreSQL has done so far.
const DONE: &str = "SELECT sum(xact_commit), sum(tup_returned) FROM pg_stat_database";

/// How slow platforms are called.
#[derive(Clone, Copy, Debug)]
struct Slow {
    /// Announcements that a dispatcher may hold, and so calls.
    at_once: u64,
    /// What a call takes.
    latency_ms: u64,
    /// Events of one tenant that are announced together: no more than its lane holds, which leaves what is beyond to the database, where
    /// its dispatcher finds it beside the bound.
    events_a_request: u64,
}

impl Slow {
    /// Where calls are not to be bounded: every lane is full.
    fn unbounded(tenants: u64) -> Self {
        Self { at_once: tenants.saturating_mul(LANE), latency_ms: 2_000, events_a_request: LANE }
    }

    /// Where they are. So few of a tenant come together that its account's budget grants their calls at once.
    fn bounded() -> Self {
        Self { at_once: 100, latency_ms: 500, events_a_request: 4 }
    }
}

/// Calls that one dispatcher has in flight when each takes two seconds.
pub(super) async fn in_flight(session: &mut Session, extent: Extent, console: &Console) -> anyhow::Result<Figures> {
    prepare(session, (extent, Slow::unbounded(extent.tenants)), console).await?;
    let mut figures = Figures::default();
    let step = console.step("calls in flight of one dispatcher, two seconds each");
    watch(session, extent, ("one dispatcher", &mut figures)).await?;
    step.done();
    Ok(figures)
}

/// What two dispatchers do of what one does, each with a hundred announcements in hand, where a call takes half a second.
pub(super) async fn replicas(session: &mut Session, extent: Extent, console: &Console) -> anyhow::Result<Figures> {
    prepare(session, (extent, Slow::bounded()), console).await?;
    let mut figures = Figures::default();
    let step = console.step("contacts of slow platforms, by one dispatcher");
    let one = watch(session, extent, ("one dispatcher", &mut figures)).await?;
    step.done();
    session.start_another(Service::SyncDispatcher, 0)?;
    let step = console.step("and by two");
    let two = watch(session, extent, ("two dispatchers", &mut figures)).await?;
    step.done();
    figures.add("two, as a multiple of one (goal: 1.8)", two / one.max(0.001), "times");
    Ok(figures)
}

/// Brings up a system of slow platforms and gives it work for longer than it is measured.
async fn prepare(session: &mut Session, (extent, slow): (Extent, Slow), console: &Console) -> anyhow::Result<()> {
    let at_once = slow.at_once.min(u16::MAX.into()).to_string();
    let bounds = [("LANE_PARALLEL", PARALLEL.to_string()), ("PUSH_PREFETCH", at_once)];
    let settings = CALL_BY_CALL.into_iter().map(|(key, value)| (key, value.to_owned()));
    for (key, value) in settings.chain(bounds) {
        session.set(&format!("COCCINELLE__DISPATCHER__{key}"), &value);
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
    while empty_since.elapsed() < COUNTED {
        if session.under_way_in(INTAKE).await? > 0 {
            empty_since = Instant::now();
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    Ok(())
}

/// Looks for a while at what is done by so many dispatchers, and adds it to the figures; gives the contacts that were written in a second.
async fn watch(session: &Session, extent: Extent, (by, figures): (&str, &mut Figures)) -> anyhow::Result<f64> {
    tokio::time::sleep(WARM_UP).await;
    let (commits, rows) = done_by_database(session).await?;
    let mut journal = Journal::from_now(session).await?;
    let (busy, before, began) = (Busy::start(session), asked(session).await?, Instant::now());
    let mut seen = Vec::new();
    while began.elapsed() < Duration::from_secs(extent.seconds) {
        seen.push(asked(session).await?.under_way);
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    let contacts = float(u64::try_from(journal.news().await?.len())?);
    let (after, took) = (asked(session).await?, began.elapsed().as_secs_f64());
    let (commits_after, rows_after) = done_by_database(session).await?;
    let written = contacts / took;
    figures.add(format!("contacts written by {by}"), written, "a second");
    figures.add(
        format!("platforms called by {by}"),
        float(after.so_far.saturating_sub(before.so_far)) / took,
        "a second",
    );
    seen.sort_unstable();
    let at = |share: usize| f64::from(seen.get(seen.len() * share / 100).copied().unwrap_or_default());
    figures.add(format!("calls in flight of {by}, median"), at(50), "");
    figures.add(format!("calls in flight of {by}, a tenth of the time no more than"), at(10), "");
    figures.add(format!("calls in flight of {by}, a tenth of the time as many or more"), at(90), "");
    busy.add(by, figures);
    // What a contact costs the database, and whether anything is looked for without an index.
    for (what, all) in [("commits", commits_after - commits), ("rows looked at", rows_after - rows)] {
        figures.add(format!("{what} of PostgreSQL for each contact of {by}"), all / contacts.max(1.0), "");
    }
    // Of work there was enough to the end.
    let left = session.under_way_in(ANNOUNCED).await?;
    figures.add(format!("announcements that {by} had in hand or still waited"), float(left), "");
    Ok(written)
}

/// Transactions that were committed, and rows that were looked at.
async fn done_by_database(session: &Session) -> anyhow::Result<(f64, f64)> {
    let services = session.services.as_ref().context("the database is not started")?;
    let told = services.postgres.query(DONE).await?;
    let (commits, rows) = told.trim().split_once('|').context("PostgreSQL counts nothing")?;
    Ok((commits.parse()?, rows.parse()?))
}

/// What the stand-in has been asked.
#[derive(Deserialize)]
struct Asked {
    /// Requests that wait for their answer.
    under_way: u32,
    /// Requests since it began.
    so_far: u64,
}

async fn asked(session: &Session) -> anyhow::Result<Asked> {
    let url = format!("{}/_sandbox/under-way", session.url(Service::Sandbox));
    let answer = session.client().get(url).send().await?.error_for_status()?;
    answer.json().await.context("the sandbox does not count its requests")
}
