//! The count in the end: what of all that was accepted is there, what is there twice, what is still owed, and the table of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde_json::Value;

use super::Deaths;
use super::ledger::Ledger;
use crate::session::{PORTAL, Service, Session, Tenant};

/// How long everything may take to come into step once nothing dies any more.
const DEADLINE: Duration = Duration::from_secs(240);
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// One sort of thing that was accepted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// So many were accepted.
    pub expected: u64,
    /// So many of them are not there in the end.
    pub lost: u64,
    /// So many are there more than once.
    pub twice: u64,
}

/// What came of a crash test.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    /// The seed of load and crashes.
    pub seed: u64,
    /// From the first event until all was in step.
    pub seconds: u64,
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
    deaths: Deaths,
}

impl Verdict {
    /// Whether nothing was lost, nothing was done twice, and nothing is left to do.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        let is_exact = |(_, tally): &(_, Tally)| tally.lost == 0 && tally.twice == 0;
        self.tallies.iter().all(is_exact) && (self.owed, self.dead, self.queued) == (0, 0, 0)
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
        for (what, Tally { expected, lost, twice }) in &self.tallies {
            writeln!(f, "| {what} | {expected} | {lost} | {twice} |")?;
        }
        write!(f, "\nowed: {}, dead letters: {}, left in queues: {}", self.owed, self.dead, self.queued)
    }
}

/// Waits until all is as it should be, or the deadline has passed; then says how it is.
pub(super) async fn settle(
    session: &Session,
    tenant: &Tenant,
    ledger: &Ledger,
    deaths: Deaths,
) -> anyhow::Result<Verdict> {
    let began = Instant::now();
    loop {
        // Whatever died last may still be starting.
        let now = look(session, tenant, ledger).await;
        match now {
            Ok(verdict) if verdict.is_clean() || began.elapsed() > DEADLINE => {
                return Ok(Verdict { deaths, ..verdict });
            }
            Err(error) if began.elapsed() > DEADLINE => return Err(error),
            Ok(_) | Err(_) => tokio::time::sleep(LOOK_AGAIN).await,
        }
    }
}

async fn look(session: &Session, tenant: &Tenant, ledger: &Ledger) -> anyhow::Result<Verdict> {
    let integration = session.integration(tenant).await?;
    let owed = integration.get("drift").and_then(Value::as_u64).context("the integration shows no drift")?;
    let (dead, queued) = queues(session).await?;
    let mut verdict = Verdict { accepted: ledger.accepted, owed, dead, queued, ..Verdict::default() };
    let there = contacts(session).await?;
    let titles = created(session, "deals", "dealname").await?;
    verdict.tallies = vec![
        ("prospects, as contacts", people(ledger, &there)),
        ("their last changes, in the CRM", changes(ledger, &there)),
        ("appointments, as deals", appointments(ledger, &titles)),
        ("changes by hand, in the records", by_hand(session, tenant, ledger).await?),
        ("contacts that were written, in the log", logged(session, tenant, &there).await?),
    ];
    Ok(verdict)
}

fn number(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

type Contacts = BTreeMap<String, BTreeMap<String, String>>;

fn people(ledger: &Ledger, there: &Contacts) -> Tally {
    let mut found = BTreeMap::<&str, u64>::new();
    for email in there.values().filter_map(|contact| contact.get("email")) {
        *found.entry(email).or_default() += 1;
    }
    let times = |email: &String| found.get(email.as_str()).copied().unwrap_or_default();
    let lost = ledger.people.values().filter(|person| times(&person.email) == 0).count();
    let twice = ledger.people.values().filter(|person| times(&person.email) > 1).count();
    Tally { expected: number(ledger.people.len()), lost: number(lost), twice: number(twice) }
}

/// The city is what events change, the job title what people change: each has to stand on the platform.
fn changes(ledger: &Ledger, there: &Contacts) -> Tally {
    let by_email: BTreeMap<_, _> = there.values().map(|contact| (contact.get("email"), contact)).collect();
    let stands = |person: &&super::ledger::Person| {
        by_email.get(&Some(&person.email)).is_some_and(|contact| {
            contact.get("city") == Some(&person.city) && contact.get("jobtitle") == person.job_title.as_ref()
        })
    };
    let standing = ledger.people.values().filter(stands).count();
    Tally { expected: number(ledger.people.len()), lost: number(ledger.people.len() - standing), twice: 0 }
}

fn appointments(ledger: &Ledger, titles: &[String]) -> Tally {
    let times = |title: &String| titles.iter().filter(|other| *other == title).count();
    let lost = ledger.appointments.iter().filter(|title| times(title) == 0).count();
    let twice = ledger.appointments.iter().filter(|title| times(title) > 1).count();
    Tally { expected: number(ledger.appointments.len()), lost: number(lost), twice: number(twice) }
}

/// What was changed by hand in the CRM has to be in our records.
async fn by_hand(session: &Session, tenant: &Tenant, ledger: &Ledger) -> anyhow::Result<Tally> {
    let mut tally = Tally::default();
    for person in ledger.people.values().filter(|person| person.job_title.is_some()) {
        tally.expected += 1;
        let found = ask(session, tenant, &format!("/api/v1/records?q={}", person.email)).await?;
        let id = found.pointer("/data/0/id").and_then(Value::as_str);
        let record = match id {
            Some(id) => ask(session, tenant, &format!("/api/v1/records/{id}")).await?,
            None => Value::Null,
        };
        let ours = record.pointer("/fields/job_title/value").and_then(Value::as_str);
        tally.lost += u64::from(ours != person.job_title.as_deref());
    }
    Ok(tally)
}

/// Every contact that we wrote has its rows in the log.
async fn logged(session: &Session, tenant: &Tenant, there: &Contacts) -> anyhow::Result<Tally> {
    let mut written = BTreeSet::new();
    let mut cursor = String::new();
    loop {
        let path =
            format!("/api/v1/integrations/{}/logs?status=success&kind=contact&limit=200{cursor}", tenant.integration);
        let page = ask(session, tenant, &path).await?;
        let rows = page.get("data").and_then(Value::as_array).context("the log has no rows")?;
        written.extend(rows.iter().filter_map(|row| row.get("external_id")?.as_str()).map(str::to_owned));
        let Some(next) = page.get("next_cursor").and_then(Value::as_str) else { break };
        cursor = format!("&cursor={next}");
    }
    let missing = there.keys().filter(|id| !written.contains(*id)).count();
    Ok(Tally { expected: number(there.len()), lost: number(missing), twice: 0 })
}

async fn ask(session: &Session, tenant: &Tenant, path: &str) -> anyhow::Result<Value> {
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

#[derive(Deserialize)]
struct Entry {
    object_type: String,
    action: String,
    id: String,
    #[serde(default)]
    properties: BTreeMap<String, String>,
}

async fn journal(session: &Session) -> anyhow::Result<Vec<Entry>> {
    let account = format!("platform=hubspot&account={PORTAL}&limit=100000000");
    let url = format!("{}/_sandbox/journal?{account}", session.url(Service::Sandbox));
    session.client().get(url).send().await?.error_for_status()?.json().await.context("the sandbox has no journal")
}

/// The contacts that there are, by their ids, as the journal of writes leaves them.
pub(super) async fn contacts(session: &Session) -> anyhow::Result<Contacts> {
    let mut contacts = Contacts::new();
    for entry in journal(session).await?.into_iter().filter(|entry| entry.object_type == "contacts") {
        match entry.action.as_str() {
            "created" | "updated" => contacts.entry(entry.id).or_default().extend(entry.properties),
            "archived" => drop(contacts.remove(&entry.id)),
            _ => {}
        }
    }
    Ok(contacts)
}

/// One property of every object that was created.
async fn created(session: &Session, object_type: &str, property: &str) -> anyhow::Result<Vec<String>> {
    let entries = journal(session).await?.into_iter();
    let created = entries.filter(|entry| entry.object_type == object_type && entry.action == "created");
    Ok(created.filter_map(|mut entry| entry.properties.remove(property)).collect())
}
