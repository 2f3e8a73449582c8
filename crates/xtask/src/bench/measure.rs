//! The order of the measurements, and what runs during each. How each is made is in the modules beside this one.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use chrono::Utc;
use secrecy::ExposeSecret as _;

use super::deliveries::Deliveries;
use super::flow::{self, BATCH, Singly};
use super::limits;
use super::load::{CONNECTIONS, Plan, Requests, drive};
use super::prospects::{Prospects, Series};
use super::report::{EndToEnd, Idle, Limits, Rate, Report};
use super::tenants;
use super::usage::{Memory, Meter};
use crate::console::Console;
use crate::session::{PORTAL, Service, Session, Tenant};

pub(super) const WEBHOOKS: &str = "/webhooks/integrations/hubspot";
/// More deliveries in a second than a small machine can take; beyond it, or the most that are signed, the measurement would end early.
pub(super) const DELIVERIES_PER_SECOND: u64 = 50_000;
pub(super) const TENANTS: u64 = 8;
/// How long a crowd is waited for in the CRM.
pub(super) const ARRIVAL_LIMIT: Duration = Duration::from_secs(180);
/// Where events wait to be merged: so the names of all lanes begin.
pub(super) const INTAKE: &str = "dispatcher.event.merge";
/// RabbitMQ counts a queue's messages every five seconds: after this it has counted what there is.
pub(super) const COUNTED: Duration = Duration::from_secs(7);
/// As many confirms as the broker is fastest with.
const AT_BEST: u32 = 256;

/// How long and how much is measured.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wishes {
    /// For each measurement under load.
    pub(super) seconds: u64,
    /// Followed into the CRM.
    pub(super) events: u64,
    /// Sent one at a time.
    pub(super) samples: u64,
}

/// Starts the system and measures it: first all of it, then each door by itself, then the limits.
///
/// # Errors
/// Fails when a part does not come up, or something cannot be measured.
pub(super) async fn everything(session: &mut Session, wishes: Wishes, console: &Console) -> anyhow::Result<Report> {
    session.bring_up().await?;
    let tenant = session.demo_tenant().await?;
    tenants::lift_limits(session, PORTAL).await?;
    let (accept_to_platform, end_to_end) = all_the_way(session, &tenant, wishes, console).await?;
    let mut memory = memory(session, &Service::ALL);
    // What is accepted from here on is not worked off: the doors are measured, not what lies behind them.
    session.stack.halt(Service::SyncDispatcher.name()).await;
    session.stack.halt(Service::LogWriter.name()).await;
    let before = broker_alone(session, wishes, console).await?;
    let (events_single, events_in_batches) = events(session, &tenant, wishes, console).await?;
    let between = broker_alone(session, wishes, console).await?;
    let secret = session.webhook_secret();
    let webhook_deliveries = deliveries(session, secret.expose_secret(), wishes, console).await?;
    memory.extend(self::memory(session, &[Service::ApiGateway, Service::WebhookIngest]));
    let raw = [before, between, broker_alone(session, wishes, console).await?];
    let limits = limits(session, secret.expose_secret(), raw, wishes, console).await?;
    let report = Report {
        seconds_each: wishes.seconds,
        processors: std::thread::available_parallelism()?.get(),
        connections: CONNECTIONS,
        limits,
        events_single,
        events_in_batches,
        webhook_deliveries,
        end_to_end,
        accept_to_platform,
        memory,
    };
    Ok(report.relate())
}

async fn all_the_way(
    session: &Session,
    tenant: &Tenant,
    wishes: Wishes,
    console: &Console,
) -> anyhow::Result<(Idle, Vec<EndToEnd>)> {
    let gateway = address(session, Service::ApiGateway);
    let step = console.step("one event at a time into the CRM");
    let singly = Singly { tenant, portal: PORTAL, first: 0, samples: wishes.samples };
    let idle = flow::one_by_one(session, gateway, singly).await?;
    step.done();
    let step = console.step(format!("{} events of one tenant into the CRM", wishes.events));
    let one = flow::crowd(session, gateway, &[tenant], wishes.events, ARRIVAL_LIMIT).await?;
    step.done();
    let step = console.step(format!("{} events of {TENANTS} tenants into the CRM", wishes.events));
    step.detail("making the tenants");
    let tenants = tenants::make(session, TENANTS).await?;
    step.detail("sending the events");
    let tenants: Vec<&Tenant> = tenants.iter().collect();
    let many = flow::crowd(session, gateway, &tenants, wishes.events, ARRIVAL_LIMIT).await?;
    step.done();
    Ok((idle, vec![one, many]))
}

async fn events(session: &Session, tenant: &Tenant, wishes: Wishes, console: &Console) -> anyhow::Result<(Rate, Rate)> {
    let token = tenant.service_token.expose_secret();
    let step = console.step("events at the gateway, one a request");
    let prospects = Prospects::new(Series::Single, token, Utc::now());
    let requests = move |number| Some(prospects.single(number));
    let single = under_load(session, Service::ApiGateway, 202, wishes, requests).await?.rate(1);
    step.done();
    let step = console.step(format!("events at the gateway, {BATCH} a request"));
    let prospects = Prospects::new(Series::Batches, token, Utc::now());
    let requests = move |number: u64| Some(prospects.batch(number.checked_mul(BATCH)?, BATCH));
    let batches = under_load(session, Service::ApiGateway, 202, wishes, requests).await?.rate(BATCH);
    step.done();
    Ok((single, batches))
}

async fn deliveries(session: &Session, secret: &str, wishes: Wishes, console: &Console) -> anyhow::Result<Rate> {
    let step = console.step("webhook deliveries");
    let deliveries = sign(secret, &session.url(Service::WebhookIngest), wishes);
    let requests = move |number| deliveries.request(number);
    let rate = under_load(session, Service::WebhookIngest, 202, wishes, requests).await?.rate(1);
    step.done();
    Ok(rate)
}

/// With as many confirms outstanding as there are callers. Two such figures differ by a fifth, so there are some around the doors.
async fn broker_alone(session: &Session, wishes: Wishes, console: &Console) -> anyhow::Result<Rate> {
    let step = console.step("a limit: RabbitMQ alone");
    let raw = limits::raw_publish(session, CONNECTIONS, wishes.seconds).await?;
    step.done();
    Ok(raw)
}

async fn limits(
    session: &mut Session,
    secret: &str,
    raw: [Rate; 3],
    wishes: Wishes,
    console: &Console,
) -> anyhow::Result<Limits> {
    let step = console.step("the limits: RabbitMQ at its best, actix-web alone");
    let at_best = limits::raw_publish(session, AT_BEST, wishes.seconds).await?;
    // Where the dispatcher was.
    let plan = plan(session, Service::SyncDispatcher, 200, wishes);
    let deliveries = Arc::new(sign(secret, &session.url(Service::SyncDispatcher), wishes));
    let requests = move |number| deliveries.request_again(number);
    let (load, cores) = limits::bare_handler(session, secret, plan, requests).await?;
    step.done();
    Ok(Limits::new(raw, at_best, Rate::of(&load, 1, cores)))
}

fn sign(secret: &str, origin: &str, wishes: Wishes) -> Deliveries {
    let count = wishes.seconds.saturating_mul(DELIVERIES_PER_SECOND);
    Deliveries::sign(secret, origin, WEBHOOKS, count, Utc::now())
}

/// What a service did, and what that took.
struct Measured {
    load: super::load::Load,
    cores: super::usage::Cores,
}

impl Measured {
    fn rate(&self, each: u64) -> Rate {
        Rate::of(&self.load, each, self.cores)
    }
}

async fn under_load(
    session: &Session,
    service: Service,
    wanted: u16,
    wishes: Wishes,
    requests: impl Requests,
) -> anyhow::Result<Measured> {
    let meter = Meter::start(session.stack.pid(service.name()));
    let load = drive(plan(session, service, wanted, wishes), requests).await;
    let cores = meter.read();
    // The next measurement finds the queues as this one did.
    empty_intake(session).await?;
    Ok(Measured { load: load.with_context(|| format!("{} under load", service.name()))?, cores })
}

fn plan(session: &Session, service: Service, wanted: u16, wishes: Wishes) -> Plan {
    Plan {
        address: address(session, service),
        time: Duration::from_secs(wishes.seconds),
        wanted,
        pace: None,
        connections: CONNECTIONS,
    }
}

pub(super) fn address(session: &Session, service: Service) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, service.port(session.ports())).into()
}

/// What the services are not measured with fills these: the lanes of the events, and the deliveries' queues.
fn intake() -> Vec<String> {
    let lanes = (1..8).map(|lane| format!("{INTAKE}.{lane}"));
    let whole = [INTAKE, "dispatcher.webhook.apply", "dispatcher.webhook.apply_many"];
    lanes.chain(whole.map(str::to_owned)).collect()
}

pub(super) async fn empty_intake(session: &Session) -> anyhow::Result<()> {
    let services = session.services.as_ref().context("the broker is not started")?;
    let management = services.rabbitmq.management_url().context("the broker has no management API")?;
    for queue in intake() {
        let url = management.join(&format!("/api/queues/%2F/{queue}/contents"))?;
        session.client().delete(url).send().await?.error_for_status().context("a queue cannot be emptied")?;
    }
    Ok(())
}

fn memory(session: &Session, services: &[Service]) -> BTreeMap<&'static str, Memory> {
    let of = |service: &Service| Some((service.name(), Memory::of(session.stack.pid(service.name())?)?));
    services.iter().filter_map(of).collect()
}
