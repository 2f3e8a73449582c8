//! How soon each page of the dashboard is answered to somebody whose integration has a month of work behind it, one request after
//! the other. What there is of that work is `page_data.sql`'s, in `persistence`.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use reqwest::Method;
use reqwest::header::COOKIE;
use serde::Deserialize;
use serde_json::Value;
use tokio::process::Command;

use super::limits::example;
use super::load::Waits;
use super::parts::{Extent, Figures};
use super::tenants;
use crate::console::Console;
use crate::session::{Service, Session, Tenant};
use crate::workspace;

const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// Every page that the browser is shown, by the name that its picture has, and what people look for on them.
///
/// Looking for what is rare, or not there at all, takes longest.
const PAGES: &[(&str, &str)] = &[
    ("catalogue", "/dashboard/integrations"),
    ("catalogue, searched", "/dashboard/integrations?q=hubspot"),
    ("connect", "/dashboard/integrations/new?platform=hubspot"),
    ("connect_by_key", "/dashboard/integrations/new?platform=hubspot&by=key"),
    ("connect_shop", "/dashboard/integrations/new?platform=woocommerce"),
    ("denied", "{home}?oauth_error=consent_denied"),
    ("overview", "{home}"),
    ("overview, of a week", "{home}?period=7d"),
    ("overview, of a month", "{home}?period=30d"),
    ("logs", "{home}/logs"),
    ("logs, the second page", "{home}/logs?cursor={older_logs}"),
    ("logs, failures", "{home}/logs?status=failed"),
    ("logs, failures of what is read, of which there are none", "{home}/logs?status=failed&type=read"),
    ("logs, of one type", "{home}/logs?type=create"),
    ("logs, of a type that there is none of", "{home}/logs?type=delete"),
    ("logs, inward", "{home}/logs?direction=from_platform"),
    ("logs, of a kind that is rare", "{home}/logs?kind=deal"),
    ("logs, of a kind that there is none of", "{home}/logs?kind=order"),
    ("logs, of a record", "{home}/logs?q={record}"),
    ("logs, of an object", "{home}/logs?q=100042"),
    ("logs, by words", "{home}/logs?q=INVALID_EMAIL"),
    ("logs, by words that nothing says", "{home}/logs?q=introuvable"),
    ("log", "{home}/logs/{log}"),
    ("log, of a failure", "{home}/logs/{failed_log}"),
    ("failures", "{home}/failures"),
    ("failure", "{home}/failures/{failure}"),
    ("fields", "{home}/fields"),
    ("data", "{home}/data"),
    ("data, the second page", "{home}/data?cursor={older_records}"),
    ("data, by a name that many have", "{home}/data?q=martin"),
    ("data, by an address", "{home}/data?q=personne.42@example.fr"),
    ("data, by what nobody has", "{home}/data?q=introuvable"),
    ("record", "{home}/data/{record}"),
    ("record, with a conflict", "{home}/data/{conflicting}"),
    ("webhooks", "{home}/webhooks"),
    ("webhooks, the second page", "{home}/webhooks?cursor={older_deliveries}"),
    ("delivery", "{home}/webhooks/{delivery}"),
    ("integration_settings", "{home}/settings"),
    ("activity", "/dashboard/activity"),
    ("activity, of a week", "/dashboard/activity?period=7d"),
    ("activity, of a month", "/dashboard/activity?period=30d"),
    ("settings", "/dashboard/settings"),
    ("login", "/dashboard/login"),
    (MISSING, "/dashboard/nowhere"),
    ("offline", "/dashboard/offline"),
];

/// The page that says that there is none.
const MISSING: &str = "missing";

#[derive(Deserialize)]
struct Printed {
    bare_p50_ms: f64,
    bare_p99_ms: f64,
}

pub(super) async fn measure(session: &mut Session, extent: Extent, console: &Console) -> anyhow::Result<Figures> {
    session.bring_up().await?;
    let made = tenants::make(session, 1).await?;
    let tenant = made.first().context("no tenant was made")?;
    while session.under_way().await? > 0 {
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    // From here on nothing changes but by our hand.
    session.stack.halt(Service::SyncDispatcher.name()).await;
    session.stack.halt(Service::LogWriter.name()).await;
    let step = console.step(format!("{} records and {} lines of a log", extent.records, extent.lines));
    let bare = fill(session, tenant, extent).await?;
    step.done();
    let reader = Reader { session, cookie: session.cookie(tenant).await?, samples: extent.samples };
    let mut figures = Figures::default();
    figures.add("SELECT 1 alone, p50", bare.bare_p50_ms, "ms");
    figures.add("SELECT 1 alone, p99", bare.bare_p99_ms, "ms");
    let least = reader.waits("the gateway's /healthz", "/healthz").await?;
    figures.add("/healthz of the same server, p50", least.millis(50.0), "ms");
    figures.add("/healthz of the same server, p99", least.millis(99.0), "ms");
    let mut worst = ("", 0.0_f64);
    for (name, path) in reader.pages(tenant).await? {
        let step = console.step(format!("the page {name}"));
        let waits = reader.waits(name, &path).await?;
        step.done();
        let p99 = waits.millis(99.0);
        figures.add(format!("{name}, p50"), waits.millis(50.0), "ms");
        figures.add(format!("{name}, p99"), p99, "ms");
        if p99 > worst.1 {
            worst = (name, p99);
        }
    }
    figures.add(format!("the worst of all, {}, p99 (goal: under 100)", worst.0), worst.1, "ms");
    Ok(figures)
}

/// Gives the tenant's integration its work.
async fn fill(session: &Session, tenant: &Tenant, extent: Extent) -> anyhow::Result<Printed> {
    let services = session.services.as_ref().context("the database is not started")?;
    let mut command = Command::new(example("page_data")?);
    let (records, lines) = (extent.records.to_string(), extent.lines.to_string());
    command.args([&tenant.id, &tenant.integration, &records, &lines]);
    command.env("DATABASE_URL", services.postgres.database("coccinelle").await?.as_str());
    let printed = workspace::output(&mut command).await?;
    serde_json::from_str(&printed).with_context(|| format!("page_data printed {printed}"))
}

/// Somebody who has logged in.
struct Reader<'a> {
    session: &'a Session,
    cookie: String,
    samples: u64,
}

impl Reader<'_> {
    /// How long a page takes, once it was asked for. It comes whole, over the loopback.
    async fn waits(&self, name: &str, path: &str) -> anyhow::Result<Waits> {
        let mut waits = Waits::new()?;
        let url = format!("{}{path}", self.session.url(Service::ApiGateway));
        for sample in 0..=self.samples {
            let started = Instant::now();
            let answer = self.session.client().get(&url).header(COOKIE, &self.cookie).send().await?;
            let status = answer.status();
            answer.bytes().await?;
            ensure!(status.is_success() || name == MISSING, "the page {name} at {url} was answered {status}");
            if sample > 0 {
                waits.add(started.elapsed());
            }
        }
        Ok(waits)
    }

    /// The pages with their addresses.
    async fn pages(&self, tenant: &Tenant) -> anyhow::Result<Vec<(&'static str, String)>> {
        let home = format!("/dashboard/integrations/{}", tenant.integration);
        let api = format!("/integrations/{}", tenant.integration);
        let logs = self.ask(tenant, &format!("{api}/logs")).await?;
        let failed = self.ask(tenant, &format!("{api}/logs?status=failed")).await?;
        let failures = self.ask(tenant, &format!("{api}/failures")).await?;
        let records = self.ask(tenant, "/records").await?;
        let conflicts = self.ask(tenant, "/conflicts").await?;
        let deliveries = self.ask(tenant, &format!("{api}/webhook-logs")).await?;
        let known = [
            ("{home}", home),
            ("{log}", text(&logs, "/data/0/id")?),
            ("{older_logs}", text(&logs, "/next_cursor")?),
            ("{failed_log}", text(&failed, "/data/0/id")?),
            ("{failure}", text(&failures, "/data/0/fingerprint")?),
            ("{record}", text(&records, "/data/0/id")?),
            ("{older_records}", text(&records, "/next_cursor")?),
            ("{conflicting}", text(&conflicts, "/data/0/record_id")?),
            ("{delivery}", text(&deliveries, "/data/0/id")?),
            ("{older_deliveries}", text(&deliveries, "/next_cursor")?),
        ];
        let address = |path: &str| known.iter().fold(path.to_owned(), |path, (name, is)| path.replace(name, is));
        Ok(PAGES.iter().map(|(name, path)| (*name, address(path))).collect())
    }

    async fn ask(&self, tenant: &Tenant, path: &str) -> anyhow::Result<Value> {
        let path = format!("/api/v1{path}");
        let (status, answer) = self.session.call(Method::GET, &path, &tenant.admin_token, None).await?;
        ensure!(status.is_success(), "GET {path} was answered {status}: {answer}");
        Ok(answer)
    }
}

fn text(answer: &Value, place: &str) -> anyhow::Result<String> {
    let text = answer.pointer(place).and_then(Value::as_str);
    text.map(str::to_owned).with_context(|| format!("there is no {place} in {answer}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_page_that_the_browser_is_shown_is_left_out() {
        let script = std::fs::read_to_string(workspace::root().join("crates/xtask/browser/common.mjs")).unwrap();
        let (_, rest) = script.split_once("return Object.entries({").unwrap();
        let (list, _) = rest.split_once("})").unwrap();
        let shown: Vec<&str> = list.lines().filter_map(|line| Some(line.trim().split_once(": ")?.0)).collect();
        assert!(shown.len() > 15, "{shown:?}");
        for name in shown {
            assert!(PAGES.iter().any(|(known, _)| *known == name), "{name} is not measured");
        }
    }
}
