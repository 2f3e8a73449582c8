//! Steady use of a system from outside: events, deliveries and what else is asked, counted by the phase that it falls into.

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::header::{COOKIE, ETAG, HeaderValue, IF_MATCH};
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::{interval, sleep};
use tokio_util::sync::CancellationToken;

use super::turns::{Act, Errand, turns};
use crate::crash::hooks;
use crate::session::{Service, Session, Tenant};

/// Between two rounds.
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
    /// Of somebody who has logged in.
    cookie: String,
    turns: Vec<(Act, String)>,
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
    /// Logs in, and begins a run.
    ///
    /// # Errors
    /// When the gateway refuses that.
    pub(super) async fn begin(session: &Session, tenant: &Tenant, contact: u64) -> anyhow::Result<Self> {
        Ok(Self {
            client: session.client().clone(),
            gateway: session.url(Service::ApiGateway),
            hooks: hooks::address(session),
            backend: tenant.service_token.clone(),
            admin: tenant.admin_token.clone(),
            hook_secret: session.webhook_secret(),
            cookie: session.cookie(tenant).await?,
            turns: turns(session, tenant).await?,
            contact,
            tallies: Tallies::new(),
        })
    }

    /// Uses it until it is `over`; how many people are known then, and what was answered in each phase.
    pub(super) async fn run(
        mut self,
        phase: watch::Receiver<usize>,
        over: CancellationToken,
    ) -> anyhow::Result<(u64, Tallies)> {
        let (mut ticks, mut people) = (interval(PACE), 1);
        let mut turns = self.turns.clone().into_iter().cycle();
        while over.run_until_cancelled(ticks.tick()).await.is_some() {
            let turn = turns.next().map(|(act, path)| Errand::Turn(act, path));
            for errand in [Errand::Tell(person(people)), Errand::Deliver(people)].into_iter().chain(turn) {
                self.ask(&phase, &errand).await?;
            }
            people += 1;
        }
        Ok((people, self.tallies))
    }

    /// Asks until there is an answer, as every caller does, and counts it.
    async fn ask(&mut self, phase: &watch::Receiver<usize>, errand: &Errand) -> anyhow::Result<()> {
        loop {
            let answer = self.carry_out(errand).await?;
            let tally = self.tallies.entry(*phase.borrow()).or_default();
            match answer {
                Ok(status) if errand.is_answered_by(status) => tally.answered += 1,
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

    /// How it was answered; the inner error is that it was not.
    async fn carry_out(&self, errand: &Errand) -> anyhow::Result<reqwest::Result<StatusCode>> {
        let request = match errand {
            Errand::Tell(event) => {
                let request = self.client.post(format!("{}/api/v1/events", self.gateway));
                request.bearer_auth(self.backend.expose_secret()).json(event)
            }
            Errand::Deliver(number) => {
                hooks::delivery(&self.client, &self.hooks, &self.hook_secret, (self.contact, *number))?
            }
            Errand::Turn(Act::Read, path) => self.as_admin(Method::GET, path),
            Errand::Turn(Act::Begin, path) => self.as_admin(Method::POST, path),
            Errand::Turn(Act::Look, path) => {
                self.client.get(format!("{}{path}", self.gateway)).header(COOKIE, &self.cookie)
            }
            Errand::Turn(Act::PutBack, path) => return Ok(self.put_back(path).await),
        };
        Ok(self.send(request).await)
    }

    fn as_admin(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.gateway)).bearer_auth(self.admin.expose_secret())
    }

    /// Whoever is led elsewhere, as to the login, was not answered as they should be.
    async fn send(&self, request: RequestBuilder) -> reqwest::Result<StatusCode> {
        let request = request.build()?;
        let asked = request.url().clone();
        let answer = self.client.execute(request).await?;
        Ok(if *answer.url() == asked { answer.status() } else { StatusCode::SEE_OTHER })
    }

    /// What stands at this path, put there again; both times anew where only the second was not answered, as the version may be
    /// another one by then, and know more.
    async fn put_back(&self, path: &str) -> reqwest::Result<StatusCode> {
        let shown = self.as_admin(Method::GET, path).send().await?;
        if shown.status() != StatusCode::OK {
            return Ok(shown.status());
        }
        // Whatever is missing is refused.
        let version = shown.headers().get(ETAG).cloned().unwrap_or(HeaderValue::from_static("none"));
        let mut settings: Value = serde_json::from_slice(&shown.bytes().await?).unwrap_or_default();
        if let Some(settings) = settings.as_object_mut() {
            settings.remove("version");
        }
        self.send(self.as_admin(Method::PUT, path).header(IF_MATCH, version).json(&settings)).await
    }
}
