//! The doors by how many call at once, the whole way by how slow the platform is, and what each program takes when it starts and idles.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use chrono::Utc;
use secrecy::ExposeSecret as _;
use serde_json::json;

use super::deliveries::Deliveries;
use super::flow::{self, Singly};
use super::load::{CONNECTIONS, Load, Plan, Requests, drive};
use super::measure::{DELIVERIES_PER_SECOND, WEBHOOKS, address, empty_intake};
use super::parts::{Extent, Figures};
use super::prospects::{Prospects, Series};
use super::report::float;
use super::{limits, resident};
use crate::console::Console;
use crate::services::docker;
use crate::session::{PORTAL, Service, Session, Tenant};
use crate::{ci, workspace};

/// How many call at once, and the address that they call: by another query, what is signed is no repetition.
const CALLERS: [(u32, &str); 4] = [
    (1, "/webhooks/integrations/hubspot?1"),
    (16, "/webhooks/integrations/hubspot?16"),
    (64, "/webhooks/integrations/hubspot?64"),
    (256, "/webhooks/integrations/hubspot?256"),
];
const AT_HALF: &str = "/webhooks/integrations/hubspot?half";

/// Events in a request, what is to be reached with so many, and whom they are about.
const BATCHES: [(u64, &str, Series); 3] =
    [(1, "", Series::Single), (100, " (goal: 20000)", Series::Batches), (1_000, " (goal: 20000)", Series::Thousands)];

/// Milliseconds that the platform takes for an answer.
const LATENCIES: [(u64, Series); 2] = [(0, Series::OneTenant), (100, Series::Slowly)];

/// Events that are followed into the CRM for each second that is measured: about what a dispatcher does in it.
const EVENTS_PER_SECOND: u64 = 200;
/// How long they are waited for.
const ARRIVAL_LIMIT: Duration = Duration::from_secs(300);
/// What an event that is sent by itself takes at most, with the pause behind it: the load must not end before the last one.
const EACH: Duration = Duration::from_secs(1);

/// Our four services: not the stand-in.
pub(super) const OURS: [Service; 4] =
    [Service::ApiGateway, Service::WebhookIngest, Service::SyncDispatcher, Service::LogWriter];

const START_LIMIT: Duration = Duration::from_secs(30);
const LOOK_AGAIN: Duration = Duration::from_millis(2);

pub(super) async fn measure(session: &mut Session, extent: Extent, console: &Console) -> anyhow::Result<Figures> {
    let mut figures = Figures::default();
    sizes(&mut figures)?;
    images(&mut figures, console).await?;
    session.bring_up().await?;
    let tenant = session.demo_tenant().await?;
    start_up(session, &mut figures, console).await?;
    resident::add(session, "idle", &mut figures);
    all_the_way(session, &tenant, extent, (&mut figures, console)).await?;
    resident::add(session, "after the way into the CRM", &mut figures);
    // What is accepted from here on is not worked off: the doors are measured, not what lies behind them.
    session.stack.halt(Service::SyncDispatcher.name()).await;
    session.stack.halt(Service::LogWriter.name()).await;
    let (mut reached, half) = deliveries(session, extent, (&mut figures, console)).await?;
    reached.extend(events(session, &tenant, extent, (&mut figures, console)).await?);
    resident::add(session, "under load", &mut figures);
    limits(session, (&reached, half), extent, (&mut figures, console)).await?;
    Ok(figures)
}

fn sizes(figures: &mut Figures) -> anyhow::Result<()> {
    let folder = workspace::binaries()?;
    for service in OURS {
        let file = folder.join(service.name());
        let bytes = std::fs::metadata(&file).with_context(|| format!("{} is not built", file.display()))?.len();
        figures.add(format!("{}, size of the program", service.name()), mebibytes(bytes), "MiB");
    }
    Ok(())
}

/// As Compose built them last.
async fn images(figures: &mut Figures, console: &Console) -> anyhow::Result<()> {
    for service in OURS {
        let Some(bytes) = docker::image_size(&format!("coccinelle-{}", service.name())).await else {
            let reason = "there is no Docker that has them (`docker compose build`, by the names of `.env.example`)";
            return ci::skip(console, "the size of the images", reason);
        };
        figures.add(format!("{}, size of the image", service.name()), mebibytes(bytes), "MiB");
    }
    Ok(())
}

fn mebibytes(bytes: u64) -> f64 {
    float(bytes / 1_024) / 1_024.0
}

/// From the start of the process to the first 200 of `/readyz`, connections to broker and database included.
async fn start_up(session: &mut Session, figures: &mut Figures, console: &Console) -> anyhow::Result<()> {
    let step = console.step("how soon each service is ready");
    for service in OURS {
        session.stack.halt(service.name()).await;
        let (started, url) = (Instant::now(), format!("{}/readyz", session.url(service)));
        session.start(service)?;
        while !session.client().get(&url).send().await.is_ok_and(|answer| answer.status().is_success()) {
            anyhow::ensure!(started.elapsed() < START_LIMIT, "{} is not ready", service.name());
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        figures.add(format!("{}, ready after its start", service.name()), millis(started.elapsed()), "ms");
    }
    step.done();
    Ok(())
}

async fn all_the_way(
    session: &Session,
    tenant: &Tenant,
    extent: Extent,
    (figures, console): (&mut Figures, &Console),
) -> anyhow::Result<()> {
    let (gateway, count) = (address(session, Service::ApiGateway), extent.seconds.saturating_mul(EVENTS_PER_SECOND));
    let mut sustained = 0.0;
    for (latency, series) in LATENCIES {
        let step = console.step(format!("{count} events to a platform that takes {latency} ms"));
        answer_after(session, latency).await?;
        let flow = flow::crowd_of(session, gateway, (&[tenant], series), count, ARRIVAL_LIMIT).await?;
        let name = format!("events into a CRM that takes {latency} ms");
        anyhow::ensure!(flow.in_crm == count, "{name}: only {} of {count} arrived", flow.in_crm);
        figures.add(name, flow.per_second, "a second");
        // Half of the first is half of what the system itself can do.
        sustained = f64::max(sustained, flow.per_second);
        step.done();
    }
    answer_after(session, 0).await?;
    let step = console.step("single events at half of that load");
    let (samples, pace) = (extent.samples, half(sustained));
    let prospects = Prospects::new(Series::BackFill, tenant.service_token.expose_secret(), Utc::now());
    let time = EACH.saturating_mul(u32::try_from(samples)?);
    let plan = Plan { address: gateway, time, wanted: 202, pace: Some(pace), connections: CONNECTIONS };
    let singly = Singly { tenant, portal: PORTAL, first: 0, samples };
    let load = drive(plan, move |number| Some(prospects.single(number)));
    let (load, single) = tokio::join!(load, flow::one_by_one(session, gateway, singly));
    let (load, single) = (load?, single?);
    anyhow::ensure!(load.refused == 0, "{} events were refused at half load", load.refused);
    figures.add("half load", f64::from(pace), "events/s");
    figures.add("half load, from the 202 to the write in the CRM, p50", single.p50_ms, "ms");
    figures.add("half load, from the 202 to the write in the CRM, p99", single.p99_ms, "ms");
    step.done();
    Ok(())
}

async fn answer_after(session: &Session, latency: u64) -> anyhow::Result<()> {
    let url = format!("{}/_sandbox/hubspot/{PORTAL}/faults", session.url(Service::Sandbox));
    let wish = json!({ "latency_ms": latency, "rate_limit_per_10s": null, "search_limit_per_s": null });
    session.client().put(url).json(&wish).send().await?.error_for_status().context("the sandbox has no switches")?;
    Ok(())
}

/// What a door did, to be set beside the limits for as many callers.
struct Reached {
    /// What its share of the lower limit is called.
    share: String,
    callers: u32,
    per_second: f64,
}

/// Half of the most deliveries in a second, and how many called for that most.
#[derive(Clone, Copy)]
struct Half {
    pace: u32,
    callers: u32,
}

async fn deliveries(
    session: &Session,
    extent: Extent,
    (figures, console): (&mut Figures, &Console),
) -> anyhow::Result<(Vec<Reached>, Half)> {
    let ((mut most, mut callers), mut all) = ((0.0, CONNECTIONS), Vec::new());
    for (connections, path) in CALLERS {
        let requests = signed(session, path, extent);
        let what = (Service::WebhookIngest, format!("deliveries, {connections} at once"));
        let per_second = door(session, what, (extent, connections, None), requests, (&mut *figures, console)).await?;
        if per_second > most {
            (most, callers) = (per_second, connections);
        }
        let share = format!("deliveries, {connections} at once, of the lower (goal: 85)");
        all.push(Reached { share, callers: connections, per_second });
    }
    let requests = signed(session, AT_HALF, extent);
    let half = Half { pace: half(most), callers };
    let name = format!("deliveries at half of the most, {callers} at once (goal: p99 under 10 ms)");
    let what = (Service::WebhookIngest, name);
    door(session, what, (extent, callers, Some(half.pace)), requests, (figures, console)).await?;
    Ok((all, half))
}

/// What the broker alone and the web server alone do for as many at once, and which share of the lower of the two the doors reached;
/// and how soon the web server alone answers at half of the doors' most.
async fn limits(
    session: &mut Session,
    (reached, half): (&[Reached], Half),
    extent: Extent,
    (figures, console): (&mut Figures, &Console),
) -> anyhow::Result<()> {
    for (connections, _) in CALLERS {
        let step = console.step(format!("the limits: RabbitMQ alone, actix-web alone, {connections} at once"));
        let raw = limits::raw_publish(session, connections, extent.seconds).await?;
        let bare = bare(session, (connections, None), extent).await?;
        figures.add(format!("RabbitMQ alone, {connections} confirms outstanding"), raw.per_second, "a second");
        figures.add(format!("RabbitMQ alone, {connections} confirms outstanding, p99"), raw.p99_ms, "ms");
        let bare = figures.add_load(&format!("actix-web alone, {connections} at once"), &bare);
        let lower = raw.per_second.min(bare);
        for Reached { share, per_second, .. } in reached.iter().filter(|door| door.callers == connections) {
            figures.add(share.as_str(), 100.0 * per_second / lower, "%");
        }
        step.done();
    }
    let step = console.step("actix-web alone at half of the most deliveries");
    let bare = bare(session, (half.callers, Some(half.pace)), extent).await?;
    figures.add_load(&format!("actix-web alone at half of the most deliveries, {} at once", half.callers), &bare);
    step.done();
    Ok(())
}

/// The web server alone, by so many callers and at this pace, where the dispatcher was.
async fn bare(session: &mut Session, (connections, pace): (u32, Option<u32>), extent: Extent) -> anyhow::Result<Load> {
    let secret = session.webhook_secret();
    let (address, origin) = (address(session, Service::SyncDispatcher), session.url(Service::SyncDispatcher));
    let plan = Plan { address, time: Duration::from_secs(extent.seconds), wanted: 200, pace, connections };
    let count = extent.seconds.saturating_mul(DELIVERIES_PER_SECOND);
    let deliveries = Deliveries::sign(secret.expose_secret(), &origin, WEBHOOKS, count, Utc::now());
    let requests = move |number| deliveries.request_again(number);
    limits::bare_handler(session, secret.expose_secret(), plan, requests).await.map(|(load, _)| load)
}

pub(super) fn signed(session: &Session, path: &'static str, extent: Extent) -> impl Requests + use<> {
    let count = extent.seconds.saturating_mul(DELIVERIES_PER_SECOND);
    let (secret, origin) = (session.webhook_secret(), session.url(Service::WebhookIngest));
    let deliveries = Deliveries::sign(secret.expose_secret(), &origin, path, count, Utc::now());
    move |number| deliveries.request(number)
}

async fn events(
    session: &Session,
    tenant: &Tenant,
    extent: Extent,
    (figures, console): (&mut Figures, &Console),
) -> anyhow::Result<Vec<Reached>> {
    let mut all = Vec::new();
    for (size, goal, series) in BATCHES {
        let prospects = Prospects::new(series, tenant.service_token.expose_secret(), Utc::now());
        let requests = move |number: u64| {
            Some(if size == 1 { prospects.single(number) } else { prospects.batch(number.checked_mul(size)?, size) })
        };
        let what = (Service::ApiGateway, format!("requests of {size} events"));
        let answered = door(session, what, (extent, CONNECTIONS, None), requests, (&mut *figures, console)).await?;
        let per_second = answered * float(size);
        figures.add(format!("events, {size} a request{goal}"), per_second, "events/s");
        let share = format!("events, {size} a request, of the lower{}", if size == 1 { " (goal: 85)" } else { "" });
        all.push(Reached { share, callers: CONNECTIONS, per_second });
    }
    Ok(all)
}

/// Measures a door; gives what it answered in a second.
pub(super) async fn door(
    session: &Session,
    (service, name): (Service, String),
    (extent, connections, pace): (Extent, u32, Option<u32>),
    requests: impl Requests,
    (figures, console): (&mut Figures, &Console),
) -> anyhow::Result<f64> {
    let step = console.step(name.clone());
    let time = Duration::from_secs(extent.seconds);
    let plan = Plan { address: address(session, service), time, wanted: 202, pace, connections };
    let load = drive(plan, requests).await.context(name.clone())?;
    // The next measurement finds the queues as this one did.
    empty_intake(session).await?;
    anyhow::ensure!(load.refused == 0, "{name}: {} were refused", load.refused);
    let per_second = figures.add_load(&name, &load);
    step.done();
    Ok(per_second)
}

/// Half of what was done in a second, at least one.
fn half(per_second: f64) -> u32 {
    let whole = Duration::from_secs_f64(per_second / 2.0).as_secs();
    u32::try_from(whole).unwrap_or(u32::MAX).max(1)
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_is_a_whole_number_and_never_nothing() {
        assert_eq!([10_001.0, 30.5, 0.5].map(half), [5_000, 15, 1]);
    }
}
