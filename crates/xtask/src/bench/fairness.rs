//! One tenant's flood, and what another tenant notices of it: its events, sent one at a time. How fast the flood itself is worked
//! off is not measured here.

use std::time::Duration;

use anyhow::{Context as _, bail};
use reqwest::Method;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::flow::{self, Sample, Singly};
use super::measure::address;
use super::parts::{Extent, Figures};
use super::prospects::Series;
use super::report::float;
use super::{moments, slowest, tenants};
use crate::console::Console;
use crate::session::{Service, Session, Tenant};

const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// RabbitMQ counts a queue's messages every five seconds: what is empty for longer is empty.
const EMPTY_LOOKS: u32 = 14;
/// Contacts that are imported at once, of each of which the platform tells.
const IMPORT: u64 = 100;
/// Between two imports: a thousand webhooks a second.
const PAUSE: Duration = Duration::from_millis(100);

/// The times of one tenant's events on an idle system, beside a back-fill, and beside a flood of webhooks.
pub(super) async fn measure(session: &mut Session, extent: Extent, console: &Console) -> anyhow::Result<Figures> {
    session.bring_up().await?;
    if extent.steps {
        moments::listen(session).await?;
    }
    let made = tenants::make(session, 3).await?;
    let portals: Vec<String> = tenants::portals(3).collect();
    let ([quiet, filling, _hearing], [portal, _, hearing]) = (&*made, &*portals) else { bail!("there are three") };
    let bench = Bench { session, quiet, portal, extent };
    let step = console.step(format!("{} records that another tenant's platform does not have", extent.records));
    bench.switch(filling, "disable").await?;
    let gateway = address(bench.session, Service::ApiGateway);
    flow::send(gateway, &[filling], Series::BackFill, extent.records).await?;
    bench.idle().await?;
    step.done();
    let mut figures = Figures::default();
    let step = console.step("events of one tenant, on an idle system");
    let idle = bench.events(0).await?;
    step.done();
    let step = console.step("beside a back-fill");
    bench.switch(filling, "enable").await?;
    let beside_back_fill = bench.events(1).await?;
    let left = bench.owed(filling).await?;
    bench.switch(filling, "disable").await?;
    step.done();
    let step = console.step("beside another platform's webhooks");
    let (beside_webhooks, ()) = tokio::try_join!(bench.events(2), bench.tell(hearing))?;
    let (waiting, _) = (bench.session.under_way().await?, step.done());
    let by_itself = flow::summed_up(&idle)?;
    figures.add("idle, p50", by_itself.p50_ms, "ms");
    figures.add("idle, p99", by_itself.p99_ms, "ms");
    for (beside, samples) in [("a back-fill", &beside_back_fill), ("webhooks", &beside_webhooks)] {
        let measured = flow::summed_up(samples)?;
        figures.add(format!("beside {beside}, p50"), measured.p50_ms, "ms");
        figures.add(format!("beside {beside}, p99"), measured.p99_ms, "ms");
        let times = measured.p99_ms / by_itself.p99_ms.max(0.001);
        figures.add(format!("beside {beside}, p99 as a multiple of the idle one (goal: under 3)"), times, "times");
    }
    figures.add("records of the back-fill that were still to go", float(left), "");
    figures.add("messages that waited when the webhooks had been told", float(waiting), "");
    for told in [("idle", &*idle), ("beside a back-fill", &*beside_back_fill), ("beside webhooks", &*beside_webhooks)] {
        slowest::tell(&mut figures, bench.session, portal, told).await?;
        if extent.steps {
            moments::tell(&mut figures, bench.session, quiet, told)?;
        }
    }
    Ok(figures)
}

struct Bench<'a> {
    session: &'a Session,
    /// Whose events are measured.
    quiet: &'a Tenant,
    portal: &'a str,
    extent: Extent,
}

impl Bench<'_> {
    /// Waits until nothing is under way.
    async fn idle(&self) -> anyhow::Result<()> {
        let mut empty = 0;
        while empty < EMPTY_LOOKS {
            empty = if self.session.under_way().await? == 0 { empty + 1 } else { 0 };
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        Ok(())
    }

    /// The times of the quiet tenant's events; each measurement sends others.
    async fn events(&self, measurement: u64) -> anyhow::Result<Vec<Sample>> {
        let gateway = address(self.session, Service::ApiGateway);
        let (samples, first) = (self.extent.samples, measurement.saturating_mul(10_000));
        flow::samples(self.session, gateway, Singly { tenant: self.quiet, portal: self.portal, first, samples }).await
    }

    async fn switch(&self, tenant: &Tenant, how: &str) -> anyhow::Result<()> {
        let path = format!("/api/v1/integrations/{}/{how}", tenant.integration);
        let (status, answer) = self.session.call(Method::POST, &path, &tenant.admin_token, None).await?;
        if !status.is_success() {
            bail!("POST {path} was answered {status}: {answer}");
        }
        Ok(())
    }

    async fn owed(&self, tenant: &Tenant) -> anyhow::Result<u64> {
        let integration = self.session.integration(tenant).await?;
        integration.get("drift").and_then(Value::as_u64).context("the integration shows no drift")
    }

    /// Imports contacts into an account by hand: the platform tells of each.
    async fn tell(&self, portal: &str) -> anyhow::Result<()> {
        let (sandbox, client) = (self.session.url(Service::Sandbox), self.session.client());
        let account = format!("{sandbox}/_sandbox/hubspot/{portal}");
        let target = format!("{}/webhooks/integrations/hubspot", self.session.url(Service::WebhookIngest));
        let secret = self.session.webhook_secret();
        let webhook = json!({ "target_url": target, "client_secret": secret.expose_secret() });
        client.put(format!("{account}/webhook")).json(&webhook).send().await?.error_for_status()?;
        let mut ticks = tokio::time::interval(PAUSE);
        for import in 0..self.extent.records.div_ceil(IMPORT) {
            ticks.tick().await;
            let contact =
                |number: u64| json!({ "email": format!("told-{import}-{number}@example.fr"), "city": "Nîmes" });
            let rows: Vec<Value> = (0..IMPORT).map(contact).collect();
            let answer =
                client.post(format!("{account}/contacts/import")).json(&json!({ "rows": rows })).send().await?;
            answer.error_for_status().context("the sandbox imports nothing")?;
        }
        Ok(())
    }
}
