//! The count in the end: what of all that was accepted is there, what is there twice, what is still owed, and the table of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde_json::Value;

use super::Deaths;
use super::backend::Backend;
use super::journal::{Contacts, Journal, identifiers};
use super::ledger::{Ledger, Person};
use super::log;
use crate::session::{Session, Tenant};

/// How long everything may take to come into step once nothing dies any more.
const DEADLINE: Duration = Duration::from_secs(240);
/// The same where something is on the platform twice, which no waiting mends.
const HOPELESS: Duration = Duration::from_secs(30);
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// Those prospects of whom nothing is unique on a platform that has no room for our key.
pub const CALLERS: &str = "of these, who have a number alone";

/// One sort of thing that was accepted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// So many were accepted.
    pub expected: u64,
    /// So many of them are not there in the end.
    pub lost: u64,
    /// So many are there more than once.
    pub twice: u64,
    /// The first of those that are lost or there more than once.
    pub names: Vec<String>,
}

/// Names that are told of one sort.
const NAMED: usize = 10;

impl Tally {
    /// Of things by their names, each with how often it is there.
    pub(super) fn of<'a>(all: impl IntoIterator<Item = (&'a String, u64)>) -> Self {
        let mut tally = Self::default();
        for (name, times) in all {
            tally.expected += 1;
            tally.lost += u64::from(times == 0);
            tally.twice += u64::from(times > 1);
            if times != 1 && tally.names.len() < NAMED {
                tally.names.push(name.clone());
            }
        }
        tally
    }
}

/// Everybody who has something to say in the end.
#[derive(Clone, Copy)]
pub(super) struct Scene<'a> {
    pub(super) session: &'a Session,
    pub(super) tenant: &'a Tenant,
    pub(super) backend: &'a Backend,
    pub(super) ledger: &'a Ledger,
}

/// What came of a crash test.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    /// The seed of load and crashes.
    pub seed: u64,
    /// From the first event until all was in step.
    pub seconds: u64,
    /// From the last of the trouble until all was in step.
    pub until_in_step: u64,
    /// Events that were answered with 202.
    pub accepted: u64,
    /// What there should be, by what it is.
    pub tallies: Vec<(&'static str, Tally)>,
    /// Links that are not in step.
    pub owed: u64,
    /// Messages in `dead.*`.
    pub dead: u64,
    /// Messages in any other queue.
    pub queued: u64,
    pub(super) deaths: Deaths,
}

impl Verdict {
    /// Whether nothing was lost, nothing was done twice, and nothing is left to do.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        let is_exact = |(_, tally): &(_, Tally)| tally.lost == 0 && tally.twice == 0;
        self.tallies.iter().all(is_exact) && (self.owed, self.dead, self.queued) == (0, 0, 0)
    }

    /// What came of one sort of thing; nothing where there is none of that name.
    #[must_use]
    pub fn tally(&self, what: &str) -> Tally {
        self.tallies.iter().find(|(name, _)| *name == what).map(|(_, tally)| tally.clone()).unwrap_or_default()
    }

    pub(super) fn after(self, seed: u64, time: Duration) -> Self {
        Self { seed, seconds: time.as_secs(), ..self }
    }

    /// How often processes and servers died.
    #[must_use]
    pub fn deaths(&self) -> u64 {
        self.deaths.values().sum()
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "seed {}, {} s, {} deaths, {} events accepted\n",
            self.seed,
            self.seconds,
            self.deaths(),
            self.accepted
        )?;
        let steps: BTreeSet<&str> = self.deaths.keys().map(|(_, step)| step.as_str()).collect();
        let names: BTreeSet<&str> = self.deaths.keys().map(|(name, _)| name.as_str()).collect();
        writeln!(f, "| died at | {} |", names.iter().copied().collect::<Vec<_>>().join(" | "))?;
        writeln!(f, "|---|{}", "---:|".repeat(names.len()))?;
        for step in steps {
            let times = |name: &&str| {
                let died = self.deaths.get(&((*name).to_owned(), step.to_owned()));
                died.map_or_else(|| "–".to_owned(), u64::to_string)
            };
            writeln!(f, "| {step} | {} |", names.iter().map(times).collect::<Vec<_>>().join(" | "))?;
        }
        writeln!(f, "\n| accepted | how many | lost | twice |\n|---|---:|---:|---:|")?;
        for (what, Tally { expected, lost, twice, .. }) in &self.tallies {
            writeln!(f, "| {what} | {expected} | {lost} | {twice} |")?;
        }
        write!(f, "\nowed: {}, dead letters: {}, left in queues: {}", self.owed, self.dead, self.queued)?;
        for (what, tally) in self.tallies.iter().filter(|(_, tally)| !tally.names.is_empty()) {
            write!(f, "\n{what}: {}", tally.names.join(", "))?;
        }
        Ok(())
    }
}

/// Waits until all is as it should be, or the deadline has passed; then says how it is.
pub(super) async fn settle(scene: Scene<'_>, deaths: Deaths) -> anyhow::Result<Verdict> {
    let (began, mut journal) = (Instant::now(), Journal::default());
    loop {
        // Whatever died last may still be starting.
        let now = look(scene, &mut journal).await;
        match now {
            Ok(verdict) => {
                let is_hopeless = verdict.tallies.iter().any(|(_, tally)| tally.twice > 0);
                let most = if is_hopeless { HOPELESS } else { DEADLINE };
                let is_over = |verdict: &Verdict| verdict.is_clean() || began.elapsed() > most;
                // What takes long to count is counted once the rest is as it should be.
                if is_over(&verdict) {
                    match look_closely(scene, (verdict, &journal)).await {
                        Ok(verdict) if is_over(&verdict) => {
                            return Ok(Verdict { deaths, until_in_step: began.elapsed().as_secs(), ..verdict });
                        }
                        Err(error) if began.elapsed() > DEADLINE => return Err(error),
                        Ok(_) | Err(_) => {}
                    }
                }
            }
            Err(error) if began.elapsed() > DEADLINE => return Err(error),
            Err(_) => {}
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

/// What the platform's journal, the queues, the integration and the backend say.
async fn look(scene: Scene<'_>, journal: &mut Journal) -> anyhow::Result<Verdict> {
    let Scene { session, tenant, ledger, .. } = scene;
    let integration = session.integration(tenant).await?;
    let owed = integration.get("drift").and_then(Value::as_u64).context("the integration shows no drift")?;
    let (dead, queued) = queues(session).await?;
    let mut verdict = Verdict { accepted: ledger.accepted, owed, dead, queued, ..Verdict::default() };
    journal.go_on(session).await?;
    verdict.tallies = vec![
        ("prospects, as contacts", people(ledger.people.values(), &journal.contacts)),
        (CALLERS, people(ledger.people.values().filter(|person| person.is_caller), &journal.contacts)),
        ("their last changes, in the CRM", changes(ledger, &journal.contacts)),
        ("appointments, as deals", appointments(ledger, &journal.deals)),
        ("counterparts, told to the backend", linked(scene)),
        ("changes by hand, told to the backend", told(scene)),
    ];
    Ok(verdict)
}

/// And what our records, runs and logs say.
async fn look_closely(scene: Scene<'_>, (mut verdict, journal): (Verdict, &Journal)) -> anyhow::Result<Verdict> {
    let Scene { session, tenant, ledger, .. } = scene;
    let log = log::read(session, tenant).await?;
    verdict.tallies.extend([
        ("changes by hand, in the records", by_hand(session, tenant, ledger).await?),
        ("runs, as ended", runs(session, tenant, ledger).await?),
        ("webhook deliveries, in their log", log::deliveries(session, tenant, ledger).await?),
        ("contacts that were written, in the log", log.contacts(&journal.contacts)),
        ("rows of the log, in the statistics", log.counted(session, tenant).await?),
    ]);
    Ok(verdict)
}

fn people<'a>(people: impl Iterator<Item = &'a Person>, there: &Contacts) -> Tally {
    let mut found = BTreeMap::<&str, u64>::new();
    for identifier in there.values().flat_map(identifiers) {
        *found.entry(identifier).or_default() += 1;
    }
    let times = |identifier: &String| found.get(identifier.as_str()).copied().unwrap_or_default();
    Tally::of(people.map(|person| (&person.identifier, times(&person.identifier))))
}

/// The city is what events change, the job title what people change: each has to stand on the platform.
fn changes(ledger: &Ledger, there: &Contacts) -> Tally {
    let known = there.values().flat_map(|contact| identifiers(contact).map(move |identifier| (identifier, contact)));
    let known: BTreeMap<_, _> = known.collect();
    let stands = |person: &Person| {
        known.get(&person.identifier).is_some_and(|contact| {
            contact.get("city") == Some(&person.city) && contact.get("jobtitle") == person.job_title.as_ref()
        })
    };
    Tally::of(ledger.people.values().map(|person| (&person.identifier, u64::from(stands(person)))))
}

fn appointments(ledger: &Ledger, titles: &[String]) -> Tally {
    let mut found = BTreeMap::<&str, u64>::new();
    for title in titles {
        *found.entry(title).or_default() += 1;
    }
    Tally::of(ledger.appointments.iter().map(|title| (title, found.get(title.as_str()).copied().unwrap_or_default())))
}

/// The backend knows of everybody's counterpart.
fn linked(scene: Scene<'_>) -> Tally {
    let heard = scene.backend.heard();
    let knows = |subject: &String| heard.linked.get(subject).is_some_and(|in_| in_.contains(&scene.tenant.integration));
    Tally::of(scene.ledger.people.keys().map(|subject| (subject, u64::from(knows(subject)))))
}

/// The backend holds what was changed by hand in the CRM.
fn told(scene: Scene<'_>) -> Tally {
    let heard = scene.backend.heard();
    let holds = |subject: &String, title: &String| {
        heard.job_titles.get(subject).is_some_and(|told| told.1.as_ref() == Some(title))
    };
    let by_hand =
        scene.ledger.people.iter().filter_map(|(subject, person)| Some((subject, person.job_title.as_ref()?)));
    Tally::of(by_hand.map(|(subject, title)| (subject, u64::from(holds(subject, title)))))
}

/// What was changed by hand in the CRM has to be in our records.
async fn by_hand(session: &Session, tenant: &Tenant, ledger: &Ledger) -> anyhow::Result<Tally> {
    let mut found = Vec::new();
    for person in ledger.people.values().filter(|person| person.job_title.is_some()) {
        // The plus sign of a number would be a space.
        let q = person.identifier.replace('+', "%2B");
        let listed = ask(session, tenant, &format!("/api/v1/records?q={q}")).await?;
        let id = listed.pointer("/data/0/id").and_then(Value::as_str);
        let record = match id {
            Some(id) => ask(session, tenant, &format!("/api/v1/records/{id}")).await?,
            None => Value::Null,
        };
        let ours = record.pointer("/fields/job_title/value").and_then(Value::as_str);
        found.push((&person.identifier, u64::from(ours == person.job_title.as_deref())));
    }
    Ok(Tally::of(found))
}

/// Every run that was asked for has come to its end.
async fn runs(session: &Session, tenant: &Tenant, ledger: &Ledger) -> anyhow::Result<Tally> {
    let mut ended = Vec::new();
    for id in &ledger.runs {
        let run = ask(session, tenant, &format!("/api/v1/integrations/{}/runs/{id}", tenant.integration)).await?;
        ended.push((id, u64::from(run.get("state").and_then(Value::as_str) == Some("done"))));
    }
    Ok(Tally::of(ended))
}

pub(super) async fn ask(session: &Session, tenant: &Tenant, path: &str) -> anyhow::Result<Value> {
    let (status, body) = session.call(Method::GET, path, &tenant.admin_token, None).await?;
    if status != StatusCode::OK {
        bail!("GET {path} was answered {status}: {body}");
    }
    Ok(body)
}

#[derive(Deserialize)]
struct Queue {
    name: String,
    #[serde(default)]
    messages: u64,
}

/// Messages that nobody can handle, and messages that nobody has handled.
async fn queues(session: &Session) -> anyhow::Result<(u64, u64)> {
    let services = session.services.as_ref().context("the servers are somebody else's")?;
    let management = services.rabbitmq.management_url().context("RabbitMQ has no management API")?;
    let answer = session.client().get(management.join("api/queues/%2F")?).send().await?.error_for_status()?;
    let queues: Vec<Queue> = answer.json().await?;
    let (dead, others): (Vec<_>, Vec<_>) = queues.iter().partition(|queue| queue.name.starts_with("dead."));
    let sum = |queues: Vec<&Queue>| queues.iter().map(|queue| queue.messages).sum();
    Ok((sum(dead), sum(others)))
}
