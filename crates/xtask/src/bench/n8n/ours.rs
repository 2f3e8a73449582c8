//! What we do without n8n: the whole way, and the door by itself.

use std::time::Instant;

use anyhow::{Context as _, ensure};
use reqwest::Method;
use serde_json::Value;

use super::{LOOK_AGAIN, Most};
use crate::bench::flow::{self, Singly};
use crate::bench::load::CONNECTIONS;
use crate::bench::loads::{self, OURS};
use crate::bench::measure::{ARRIVAL_LIMIT, WEBHOOKS, address};
use crate::bench::parts::{Extent, Figures};
use crate::bench::report::float;
use crate::bench::tenants;
use crate::bench::usage::Memory;
use crate::console::Console;
use crate::n8n::N8n;
use crate::session::{Service, Session, Tenant};

/// Events that are followed into the CRM and the log for each second that is measured: about what we do in it.
const EVENTS_PER_SECOND: u64 = 1_000;

/// How many tenants the events are of: each has an account of its own, of which no more is asked than HubSpot grants it.
const CROWDS: [usize; 2] = [8, 32];

/// First the whole way, then the door by itself as everywhere in the benchmark.
pub(super) async fn measure(
    session: &mut Session,
    extent: Extent,
    (figures, console): (&mut Figures, &Console),
) -> anyhow::Result<Most> {
    session.stack.halt(N8n::NAME).await;
    for service in OURS {
        session.start(service)?;
    }
    for service in OURS {
        session.ready(service).await?;
    }
    session.demo_tenant().await?;
    // One for those that come singly, the others for the crowds.
    let made = tenants::make(session, 1 + u64::try_from(CROWDS.iter().sum::<usize>())?).await?;
    let (first, mut others) = made.split_first().context("no tenant was made")?;
    one_at_a_time(session, first, extent, (&mut *figures, console)).await?;
    let mut round_trips = 0.0;
    for tenants in CROWDS {
        let (crowd, rest) = others.split_at_checked(tenants).context("too few tenants were made")?;
        let made = self::round_trips(session, crowd, extent, (&mut *figures, console)).await?;
        (round_trips, others) = (f64::max(round_trips, made), rest);
    }
    let behind = most_of(session, &[Service::SyncDispatcher, Service::LogWriter]);
    session.stack.halt(Service::SyncDispatcher.name()).await;
    session.stack.halt(Service::LogWriter.name()).await;
    let what = (Service::WebhookIngest, format!("ours: webhooks verified and published, {CONNECTIONS} at once"));
    let requests = loads::signed(session, WEBHOOKS, extent);
    let takes = loads::door(session, what, (extent, CONNECTIONS, None), requests, (figures, console)).await?;
    let memory = behind + most_of(session, &[Service::ApiGateway, Service::WebhookIngest]);
    Ok(Most { takes, round_trips, memory })
}

async fn one_at_a_time(
    session: &Session,
    tenant: &Tenant,
    extent: Extent,
    (figures, console): (&mut Figures, &Console),
) -> anyhow::Result<()> {
    let step = console.step("ours: one event at a time into the CRM");
    let portal = tenants::portals(1).next().context("there is no account")?;
    let singly = Singly { tenant, portal: &portal, first: 0, samples: extent.samples };
    let single = flow::one_by_one(session, address(session, Service::ApiGateway), singly).await?;
    figures.add("ours: one event, from the 202 to the write in the CRM, p50", single.p50_ms, "ms");
    figures.add("ours: one event, from the 202 to the write in the CRM, p99", single.p99_ms, "ms");
    step.done();
    Ok(())
}

/// Events that became contacts and lines of the log, in a second: the last line ends the last round trip.
async fn round_trips(
    session: &Session,
    tenants: &[Tenant],
    extent: Extent,
    (figures, console): (&mut Figures, &Console),
) -> anyhow::Result<f64> {
    let (count, tenants) = (extent.seconds.saturating_mul(EVENTS_PER_SECOND), tenants.iter().collect::<Vec<_>>());
    let step = console.step(format!("ours: {count} events of {} tenants into the CRM and the log", tenants.len()));
    let (before, began) = (logged(session, &tenants).await?, Instant::now());
    let flow = flow::crowd(session, address(session, Service::ApiGateway), &tenants, count, ARRIVAL_LIMIT).await?;
    ensure!(flow.in_crm == count, "only {} of {count} events arrived", flow.in_crm);
    // Half of one below, since the log tells of a share of all.
    while logged(session, &tenants).await? - before < float(count) - 0.5 {
        ensure!(began.elapsed() < ARRIVAL_LIMIT, "not all of {count} writes were logged");
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    let per_second = float(count) / began.elapsed().as_secs_f64();
    let name = format!("ours: round trips of {} tenants, to the line of the log", tenants.len());
    figures.add(name, per_second, "a second");
    step.done();
    Ok(per_second)
}

/// Writes that the log shows as done.
async fn logged(session: &Session, tenants: &[&Tenant]) -> anyhow::Result<f64> {
    let mut sum = 0.0;
    for tenant in tenants {
        let (status, shown) = session.call(Method::GET, "/api/v1/stats", &tenant.admin_token, None).await?;
        ensure!(status.is_success(), "GET /api/v1/stats was answered {status}: {shown}");
        let number = |name: &str| shown.get(name).and_then(Value::as_f64).unwrap_or_default();
        sum += number("attempts") * number("success_rate");
    }
    Ok(sum)
}

/// The sum of the most that each ever had resident: no less than all had at once.
fn most_of(session: &Session, services: &[Service]) -> f64 {
    let running = services.iter().filter_map(|service| session.stack.pid(service.name()).and_then(Memory::of));
    running.map(|memory| memory.peak_mib).sum()
}
