//! Prospects, appointments, edits by hand, webhooks and runs, for as long as the crashes go on. What is accepted is written down.

use std::time::Duration;

use anyhow::Context as _;
use rand::rngs::StdRng;
use rand::seq::IteratorRandom as _;
use rand::{Rng as _, SeedableRng as _};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::hooks;
use super::journal::{Journal, identifiers};
use super::ledger::{Ledger, Person};
use crate::session::{PORTAL, Service, Session, Tenant};

/// Between two requests.
const PAUSE: Duration = Duration::from_millis(250);
/// What comes in without a break takes the whole request budget of the account, and runs wait for what it leaves.
const REST: Duration = Duration::from_secs(4);
const RESTS_EVERY: u64 = 12;
/// Events in a request, at most.
const EVENTS: u32 = 4;

/// So many of those who are new have a telephone number and no address.
const SHARE_OF_CALLERS: f64 = 0.4;

/// How long an access token lives; it is refreshed when half of that is over.
const TOKEN_SECONDS: u64 = 16;

/// How fast the platform lets us be is not what this is about; that it takes a while is, so that crashes land in its calls.
///
/// The seed says whether there is room for a key of ours. An odd one leaves none: whoever has no address is found by a number, and a deal
/// by its text, both in an index that lags, and the platform takes a second one as gladly as the first. Must come before the account is
/// connected, which makes the key.
pub(super) async fn prepare(session: &Session, seed: u64) -> anyhow::Result<()> {
    let url = format!("{}/_sandbox/hubspot/{PORTAL}/faults", session.url(Service::Sandbox));
    let room = if seed.is_multiple_of(2) { 10 } else { 0 };
    let switches = json!({
        "rate_limit_per_10s": null, "search_limit_per_s": null, "latency_ms": 30, "access_token_seconds": TOKEN_SECONDS,
        "unique_properties": room,
    });
    session
        .client()
        .put(url)
        .json(&switches)
        .send()
        .await?
        .error_for_status()
        .context("the sandbox has no switches")?;
    Ok(())
}

/// Sends until `stop`; gives what has to be found afterwards.
pub(super) async fn send(
    session: &Session,
    tenant: &Tenant,
    seed: u64,
    stop: &CancellationToken,
) -> anyhow::Result<Ledger> {
    let (dice, journal, ledger) = (StdRng::seed_from_u64(seed), Journal::default(), Ledger::default());
    let mut load = Load { session, tenant, seed, dice, journal, ledger, sent: 0 };
    let mut turns = 0_u64;
    while !stop.is_cancelled() {
        let events = load.dice.random_range(1..=EVENTS);
        load.events(events).await?;
        if load.dice.random_bool(0.5) {
            load.edit_by_hand().await?;
        }
        if load.dice.random_bool(0.1) {
            load.start_run().await?;
        }
        if load.dice.random_bool(0.3) {
            // Somebody looks at the dashboard; where nobody answers, somebody will look again.
            drop(session.integration(tenant).await);
        }
        turns += 1;
        tokio::time::sleep(if turns.is_multiple_of(RESTS_EVERY) { REST } else { PAUSE }).await;
    }
    Ok(load.ledger)
}

struct Load<'a> {
    session: &'a Session,
    tenant: &'a Tenant,
    seed: u64,
    dice: StdRng,
    journal: Journal,
    ledger: Ledger,
    /// Events so far, whose number is their id.
    sent: u64,
}

impl Load<'_> {
    async fn events(&mut self, count: u32) -> anyhow::Result<()> {
        let mut after = self.ledger.clone();
        let batch: Vec<Value> = (0..count).map(|_| self.event(&mut after)).collect();
        after.accepted += self.session.send_events(self.tenant, &batch).await?;
        self.ledger = after;
        Ok(())
    }

    /// One event, and what is to be found once it is accepted.
    fn event(&mut self, after: &mut Ledger) -> Value {
        self.sent += 1;
        let number = self.sent;
        let known = after.people.keys().choose(&mut self.dice).cloned();
        match (self.dice.random_range(0..10), known) {
            (0..3, Some(subject)) => {
                let city = format!("Ville {number}");
                if let Some(person) = after.people.get_mut(&subject) {
                    person.city.clone_from(&city);
                }
                self.dated("prospect.updated", &subject, json!({ "city": city }))
            }
            (3, Some(subject)) => {
                let title = format!("Rendez-vous {number}");
                after.appointments.push(title.clone());
                let data = json!({ "title": title, "prospect_id": subject });
                self.dated("appointment.created", &format!("a-{number}"), data)
            }
            _ => {
                let (subject, is_caller) = (format!("p-{number}"), self.dice.random_bool(SHARE_OF_CALLERS));
                let (field, identifier) = if is_caller {
                    ("phone", format!("+336{}", 10_000_000 + number))
                } else {
                    ("email", format!("p{number}.{}@exemple.fr", self.seed))
                };
                let city = format!("Ville {number}");
                let data = json!({ field: identifier, "last_name": format!("Nom {number}"), "city": city });
                after.people.insert(subject.clone(), Person { identifier, is_caller, city, job_title: None });
                self.dated("prospect.created", &subject, data)
            }
        }
    }

    fn dated(&self, kind: &str, subject: &str, data: Value) -> Value {
        let now = chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
        let id = format!("crash-{}-{}", self.seed, self.sent);
        json!({ "event_id": id, "type": kind, "subject_id": subject, "occurred_at": now, "data": data })
    }

    /// Somebody changes what a person does, in the CRM, where the person has arrived.
    async fn edit_by_hand(&mut self) -> anyhow::Result<()> {
        let Some(subject) = self.ledger.people.keys().choose(&mut self.dice).cloned() else { return Ok(()) };
        let Some(person) = self.ledger.people.get_mut(&subject) else { return Ok(()) };
        self.journal.go_on(self.session).await?;
        let there = &self.journal.contacts;
        let Some((id, _)) =
            there.iter().find(|(_, contact)| identifiers(contact).any(|value| *value == person.identifier))
        else {
            return Ok(());
        };
        self.ledger.by_hand += 1;
        let title = format!("Poste {}", self.ledger.by_hand);
        let url = format!("{}/_sandbox/hubspot/{PORTAL}/contacts/{id}", self.session.url(Service::Sandbox));
        let edit = json!({ "jobtitle": title });
        self.session.client().patch(url).json(&edit).send().await?.error_for_status()?;
        person.job_title = Some(title);
        // The platform tells of it by itself, and again where nobody answers; this one is not told a second time.
        let told = hooks::deliver(self.session, id.parse()?, self.ledger.by_hand).await?;
        self.ledger.hooks.extend(told);
        Ok(())
    }

    /// Asks for a run of everything; where one is under way, or nobody answers, there is none to be found afterwards.
    async fn start_run(&mut self) -> anyhow::Result<()> {
        let path = format!("/api/v1/integrations/{}/sync", self.tenant.integration);
        let wish = json!({ "mode": "full" });
        let answer = self.session.call(Method::POST, &path, &self.tenant.admin_token, Some(&wish)).await;
        if let Ok((StatusCode::ACCEPTED, run)) = answer {
            let id = run.get("id").and_then(Value::as_str).context("a run has no id")?;
            self.ledger.runs.push(id.to_owned());
        }
        Ok(())
    }
}
