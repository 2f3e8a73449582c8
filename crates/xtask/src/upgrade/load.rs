//! Steady use of a system from outside: events, deliveries and pages of the API, counted by the phase that they fall into.

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::{Client, RequestBuilder, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::{interval, sleep};
use tokio_util::sync::CancellationToken;

use crate::crash::hooks;
use crate::session::{Service, Session, Tenant};

/// Between two rounds: an event, a delivery and a page each.
const PACE: Duration = Duration::from_millis(100);
/// Before what was not answered is sent again.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// What was answered within one phase.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// As it should be.
    pub(super) answered: u64,
    /// Otherwise than it should be: what a caller would take for an answer.
    pub(super) wrong: u64,
    /// Not at all, or by a 503, so that it was sent again: one replica of each service is away while it is replaced.
    pub(super) repeated: u64,
}

/// By the place of the phase.
pub(super) type Tallies = BTreeMap<usize, Tally>;

/// Who uses the system.
pub(super) struct Load {
    client: Client,
    /// Where the gateway is.
    gateway: String,
    /// Where deliveries go.
    hooks: String,
    backend: SecretString,
    admin: SecretString,
    hook_secret: SecretString,
    /// What is asked for, by turns.
    pages: Vec<String>,
    contact: u64,
    tallies: Tallies,
}

/// A person like no other by this number, who has just become a prospect.
pub(super) fn person(number: u64) -> Value {
    json!({
        "event_id": format!("upgrade-{number}"),
        "type": "prospect.created",
        "subject_id": format!("upgrade-{number}"),
        "occurred_at": chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Micros, true),
        "data": { "email": format!("upgrade-{number}@exemple.fr"), "first_name": format!("Zoé {number}") },
    })
}

impl Load {
    pub(super) fn new(session: &Session, tenant: &Tenant, contact: u64) -> Self {
        let of = |path: &str| format!("/api/v1/integrations/{}{path}", tenant.integration);
        Self {
            client: session.client().clone(),
            gateway: session.url(Service::ApiGateway),
            hooks: hooks::address(session),
            backend: tenant.service_token.clone(),
            admin: tenant.admin_token.clone(),
            hook_secret: session.webhook_secret(),
            pages: vec!["/api/v1/integrations".to_owned(), of(""), of("/logs")],
            contact,
            tallies: Tallies::new(),
        }
    }

    /// Uses it until it is `over`; how many people are known then, and what was answered in each phase.
    pub(super) async fn run(
        mut self,
        phase: watch::Receiver<usize>,
        over: CancellationToken,
    ) -> anyhow::Result<(u64, Tallies)> {
        let (mut ticks, mut people) = (interval(PACE), 1);
        while over.run_until_cancelled(ticks.tick()).await.is_some() {
            let event = person(people);
            self.pages.rotate_left(1);
            let page = self.pages.first().cloned().unwrap_or_default();
            self.ask(&phase, StatusCode::ACCEPTED, |it| {
                let request = it.client.post(format!("{}/api/v1/events", it.gateway));
                Ok(request.bearer_auth(it.backend.expose_secret()).json(&event))
            })
            .await?;
            self.ask(&phase, StatusCode::ACCEPTED, |it| {
                hooks::delivery(&it.client, &it.hooks, &it.hook_secret, (it.contact, people))
            })
            .await?;
            self.ask(&phase, StatusCode::OK, |it| {
                Ok(it.client.get(format!("{}{page}", it.gateway)).bearer_auth(it.admin.expose_secret()))
            })
            .await?;
            people += 1;
        }
        Ok((people, self.tallies))
    }

    /// Asks until there is an answer, as every caller does, and counts it.
    async fn ask(
        &mut self,
        phase: &watch::Receiver<usize>,
        wanted: StatusCode,
        request: impl Fn(&Self) -> anyhow::Result<RequestBuilder>,
    ) -> anyhow::Result<()> {
        loop {
            let answer = request(self)?.send().await.map(|answer| answer.status());
            let tally = self.tallies.entry(*phase.borrow()).or_default();
            match answer {
                Ok(status) if status == wanted => tally.answered += 1,
                Ok(StatusCode::SERVICE_UNAVAILABLE) | Err(_) => {
                    tally.repeated += 1;
                    sleep(LOOK_AGAIN).await;
                    continue;
                }
                Ok(_) => tally.wrong += 1,
            }
            return Ok(());
        }
    }
}
