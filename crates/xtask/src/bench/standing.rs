//! What waits, and the memory of those who stand before it: a backlog of the intake, and lines for a log whose database is away.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use chrono::Utc;
use secrecy::ExposeSecret as _;

use super::connection;
use super::load::{CONNECTIONS, Plan, drive};
use super::measure::address;
use super::parts::{Extent, Figures};
use super::prospects::{Prospects, Series};
use super::report::float;
use super::resident;
use super::usage::Memory;
use crate::console::Console;
use crate::services::postgres::Durability;
use crate::session::{Service, Session};

/// Nothing takes as long.
const NO_END: Duration = Duration::from_hours(2);
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// Memory of the dispatcher while it works off a backlog of events, one a message.
pub(super) async fn backlog(session: &mut Session, extent: Extent, console: &Console) -> anyhow::Result<Figures> {
    session.bring_up().await?;
    let tenant = session.demo_tenant().await?;
    super::tenants::lift_limits(session, crate::session::PORTAL).await?;
    let name = Service::SyncDispatcher.name();
    let mut figures = Figures::default();
    resident::add(session, "idle", &mut figures);
    session.stack.halt(name).await;
    let step = console.step(format!("a backlog of {} messages", extent.messages));
    let prospects = Prospects::new(Series::Single, tenant.service_token.expose_secret(), Utc::now());
    let requests = move |number| (number < extent.messages).then(|| prospects.single(number));
    let plan = Plan {
        address: address(session, Service::ApiGateway),
        time: NO_END,
        wanted: 202,
        pace: None,
        connections: CONNECTIONS,
    };
    drive(plan, requests).await?;
    step.done();
    let before = session.under_way().await?;
    session.start(Service::SyncDispatcher)?;
    session.ready(Service::SyncDispatcher).await?;
    let step = console.step("the dispatcher before it");
    let most = most_resident(session, name, extent.seconds).await?;
    let after = session.under_way().await?;
    step.done();
    resident::add(session, "before the backlog", &mut figures);
    figures.add(format!("sync-dispatcher before the backlog, at most in {} s", extent.seconds), most, "MiB");
    figures.add("messages that waited at the beginning", float(before), "");
    figures.add("and at the end", float(after), "");
    Ok(figures)
}

/// Memory of the log writer while PostgreSQL is away and refused deliveries are to be logged.
pub(super) async fn log_away(session: &mut Session, extent: Extent, console: &Console) -> anyhow::Result<Figures> {
    session.set("COCCINELLE__INGEST__REFUSALS_LOGGED_PER_MINUTE", "4000000000");
    session.bring_up().await?;
    let name = Service::LogWriter.name();
    let idle = memory(session, name)?;
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
    postgres.boot(Durability::Kept).await?;
    let mut figures = Figures::default();
    figures.add("log-writer, idle", idle.resident_mib, "MiB");
    figures.add(format!("log-writer without a database, at most in {} s", extent.seconds), most, "MiB");
    figures.add("lines that came in meanwhile", float(load.answered), "");
    Ok(figures)
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
