//! What waits, and the memory of those who stand before it: a backlog of the intake, and lines for a log whose database is away.

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use chrono::Utc;
use secrecy::ExposeSecret as _;

use super::connection;
use super::load::{CONNECTIONS, Load, Plan, drive};
use super::measure::{COUNTED, INTAKE, address};
use super::parts::{Extent, Figures};
use super::prospects::{Prospects, Series};
use super::report::float;
use super::usage::Memory;
use super::{resident, tenants};
use crate::console::Console;
use crate::services::postgres::Durability;
use crate::session::{Service, Session, Tenant};

/// Whose events a backlog is. Single events of one tenant share a message while four of it are being kept, so each has fewer connections.
const OWNERS: u64 = 32;
/// How long the log writer may take to find a database that is back.
const BACK: Duration = Duration::from_secs(60);
/// Nothing takes as long.
const NO_END: Duration = Duration::from_hours(2);
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// Memory of the dispatcher while it works off a backlog of events, one a message.
pub(super) async fn backlog(session: &mut Session, extent: Extent, console: &Console) -> anyhow::Result<Figures> {
    session.bring_up().await?;
    let owners = tenants::make(session, OWNERS).await?;
    let name = Service::SyncDispatcher.name();
    let mut figures = Figures::default();
    resident::add(session, "idle", &mut figures);
    session.stack.halt(name).await;
    let step = console.step(format!("a backlog of {} messages", extent.messages));
    let filled = fill(session, &owners, extent.messages).await?;
    figures.add("events accepted while it was made", float(filled.answered) / filled.elapsed.as_secs_f64(), "a second");
    tokio::time::sleep(COUNTED).await;
    figures.add("messages that waited at the beginning", float(session.under_way_in(INTAKE).await?), "");
    resident::add(session, "while they wait", &mut figures);
    step.done();
    session.start(Service::SyncDispatcher)?;
    session.ready(Service::SyncDispatcher).await?;
    let step = console.step("the dispatcher before it");
    let (began, so_far) = (Instant::now(), merged(session).await?);
    for third in ["first", "second", "last"] {
        let most = most_resident(session, name, extent.seconds.div_ceil(3)).await?;
        figures.add(format!("{name} before the backlog, at most in the {third} third"), most, "MiB");
    }
    resident::add(session, "before the backlog", &mut figures);
    let merged_a_second = (merged(session).await? - so_far) / began.elapsed().as_secs_f64();
    step.done();
    figures.add("events merged meanwhile", merged_a_second, "a second");
    figures.add("messages that waited at the end", float(session.under_way_in(INTAKE).await?), "");
    Ok(figures)
}

/// Events that the dispatcher has merged since it began.
async fn merged(session: &Session) -> anyhow::Result<f64> {
    metric(session, Service::SyncDispatcher, "coccinelle_events_merged_total").await
}

/// Has events accepted, so many, each in a message of its own.
async fn fill(session: &Session, owners: &[Tenant], messages: u64) -> anyhow::Result<Load> {
    let of = |owner: &Tenant| Prospects::new(Series::Single, owner.service_token.expose_secret(), Utc::now());
    let prospects: Vec<Prospects> = owners.iter().map(of).collect();
    let requests = move |number: u64| {
        let owner = usize::try_from(number % OWNERS).ok().filter(|_| number < messages)?;
        Some(prospects.get(owner)?.single(number))
    };
    let address = address(session, Service::ApiGateway);
    drive(Plan { address, time: NO_END, wanted: 202, pace: None, connections: CONNECTIONS }, requests).await
}

/// Memory of the log writer while PostgreSQL is away and refused deliveries are to be logged, and how fast they are once it is back.
pub(super) async fn log_away(session: &mut Session, extent: Extent, console: &Console) -> anyhow::Result<Figures> {
    session.set("COCCINELLE__INGEST__REFUSALS_LOGGED_PER_MINUTE", "4000000000");
    session.bring_up().await?;
    let name = Service::LogWriter.name();
    let idle = memory(session, name)?;
    let before = written(session).await?;
    let postgres = &session.services.as_ref().context("the database is not started")?.postgres;
    postgres.kill().await?;
    let step = console.step(format!("{} s of lines for a log without a database", extent.seconds));
    let plan = Plan {
        address: address(session, Service::WebhookIngest),
        time: Duration::from_secs(extent.seconds),
        wanted: 401,
        pace: None,
        connections: CONNECTIONS,
    };
    let requests = |_| Some(connection::post("/webhooks/integrations/hubspot", &[], b"[]"));
    let (load, most) = tokio::join!(drive(plan, requests), most_resident(session, name, extent.seconds));
    let (load, most) = (load?, most?);
    step.done();
    let step = console.step("the lines into the log");
    postgres.boot(Durability::Kept).await?;
    // Not of all that came in it was told.
    let nearly_all = before + 0.99 * float(load.answered);
    let per_second = written_a_second(session, (before, nearly_all), Duration::from_secs(extent.seconds)).await?;
    step.done();
    let mut figures = Figures::default();
    figures.add("log-writer, idle", idle.resident_mib, "MiB");
    figures.add(format!("log-writer without a database, at most in {} s", extent.seconds), most, "MiB");
    figures.add("lines that came in meanwhile", float(load.answered), "");
    figures.add("from the broker into the log, once it is back", per_second, "rows/s");
    Ok(figures)
}

/// Lines a second, from the first that is seen beyond those before until there are so many, or the time is over.
async fn written_a_second(session: &Session, (before, all): (f64, f64), limit: Duration) -> anyhow::Result<f64> {
    let started = Instant::now();
    let mut first: Option<(Instant, f64)> = None;
    loop {
        let (lines, is_over) = (written(session).await?, started.elapsed() > limit);
        match first {
            Some((began, first)) if lines >= all || is_over => {
                return Ok((lines - first) / began.elapsed().as_secs_f64());
            }
            None if lines > before => first = Some((Instant::now(), lines)),
            // It looks for the database again after some seconds.
            None if started.elapsed() > limit + BACK => bail!("no line was written since the database is back"),
            None | Some(_) => {}
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

/// Lines that the log writer has written of deliveries, as its metrics say.
async fn written(session: &Session) -> anyhow::Result<f64> {
    metric(session, Service::LogWriter, r#"log_rows_written_total{log="webhook"}"#).await
}

/// What a service's metrics say of this one.
async fn metric(session: &Session, service: Service, name: &str) -> anyhow::Result<f64> {
    let url = format!("{}/metrics", session.url(service));
    let page = session.client().get(url).send().await?.error_for_status()?.text().await?;
    Ok(counted(&page, name))
}

/// What a page of metrics says of this one; nothing where it is not there yet.
fn counted(page: &str, name: &str) -> f64 {
    let figure = page.lines().find_map(|line| line.strip_prefix(name));
    figure.and_then(|figure| figure.trim().parse().ok()).unwrap_or_default()
}

fn memory(session: &Session, name: &str) -> anyhow::Result<Memory> {
    session.stack.pid(name).and_then(Memory::of).with_context(|| format!("{name} does not run"))
}

async fn most_resident(session: &Session, name: &str, seconds: u64) -> anyhow::Result<f64> {
    let (began, mut most) = (Instant::now(), 0.0_f64);
    while began.elapsed() < Duration::from_secs(seconds) {
        most = most.max(memory(session, name)?.resident_mib);
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    Ok(most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_is_read_by_its_whole_name() {
        let page = "# TYPE log_rows_written_total counter\nlog_rows_written_total{log=\"sync\"} 3\n\
            log_rows_written_total{log=\"webhook\"} 3300000\n";
        let webhooks = counted(page, r#"log_rows_written_total{log="webhook"}"#);
        assert_eq!(webhooks.to_bits(), 3_300_000.0_f64.to_bits());
        assert_eq!(counted(page, "log_rows_dead_total").to_bits(), 0.0_f64.to_bits());
    }
}
