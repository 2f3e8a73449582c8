//! Events all the way: from their acceptance to the contact in the CRM, one by one and in a crowd.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use chrono::{DateTime, Utc};
use secrecy::ExposeSecret as _;

use super::connection::Connection;
use super::journal::{Created, Journal};
use super::load::Waits;
use super::prospects::{Prospects, Series};
use super::report::{EndToEnd, Idle};
use super::usage::Meter;
use crate::session::{Service, Session, Tenant};

/// How many events share a request.
pub(super) const BATCH: u64 = 100;
/// Slow enough for the account's request budget never to be what is waited for.
const PAUSE: Duration = Duration::from_millis(500);
const LOOK_AGAIN: Duration = Duration::from_millis(5);
const LOOK_AGAIN_AT_MANY: Duration = Duration::from_millis(100);
/// An event that takes this long on an idle system has gone astray.
const ASTRAY: Duration = Duration::from_secs(30);
/// The first events find connections and caches cold.
const WARM_UP: u64 = 3;

/// Events that are sent one at a time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Singly<'a> {
    /// Whose they are.
    pub(super) tenant: &'a Tenant,
    /// The tenant's account in the CRM.
    pub(super) portal: &'a str,
    /// The number of the first: nobody is sent twice.
    pub(super) first: u64,
    /// So many.
    pub(super) samples: u64,
}

/// One of them, and what became of it.
#[derive(Debug)]
pub(super) struct Sample {
    /// From the request to its 202.
    answer: Duration,
    pub(super) accepted_at: DateTime<Utc>,
    pub(super) created: Created,
}

impl Sample {
    /// From the 202 to the write in the CRM.
    pub(super) fn took(&self) -> Duration {
        between(self.accepted_at, self.created.at)
    }
}

/// Sends events one at a time, each when the one before is long done, and looks when its contact was created.
///
/// # Errors
/// Fails when an event is refused or does not arrive.
pub(super) async fn one_by_one(session: &Session, gateway: SocketAddr, singly: Singly<'_>) -> anyhow::Result<Idle> {
    summed_up(&samples(session, gateway, singly).await?)
}

/// The same, each by itself.
///
/// # Errors
/// As [`one_by_one`].
pub(super) async fn samples(session: &Session, gateway: SocketAddr, singly: Singly<'_>) -> anyhow::Result<Vec<Sample>> {
    let Singly { tenant, portal, first, samples } = singly;
    let mut journal = Journal::of(session, portal).await?;
    let mut connection = Connection::open(gateway).await?;
    let (mut all, token) = (Vec::new(), tenant.service_token.expose_secret());
    for number in first..first.saturating_add(WARM_UP).saturating_add(samples) {
        let series = if number < first.saturating_add(WARM_UP) { Series::WarmUp } else { Series::Idle };
        let prospects = Prospects::new(series, token, Utc::now());
        let sent = Instant::now();
        accept(&mut connection, &prospects.single(number)).await?;
        let (answer, accepted_at) = (sent.elapsed(), Utc::now());
        let created = find(&mut journal, &prospects.email(number)).await?;
        if series == Series::Idle {
            all.push(Sample { answer, accepted_at, created });
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(all)
}

/// What some samples come to.
///
/// # Errors
/// Fails when they cannot be counted.
pub(super) fn summed_up(samples: &[Sample]) -> anyhow::Result<Idle> {
    let (mut to_answer, mut to_platform) = (Waits::new()?, Waits::new()?);
    for sample in samples {
        to_answer.add(sample.answer);
        to_platform.add(sample.took());
    }
    Ok(Idle {
        samples: to_platform.count(),
        accept_p50_ms: to_answer.millis(50.0),
        p50_ms: to_platform.millis(50.0),
        p99_ms: to_platform.millis(99.0),
    })
}

/// Sends a crowd in batches, shared out among the tenants, and waits until each has a contact or `limit` is over.
///
/// # Errors
/// Fails when events are refused, or none arrives.
pub(super) async fn crowd(
    session: &Session,
    gateway: SocketAddr,
    tenants: &[&Tenant],
    events: u64,
    limit: Duration,
) -> anyhow::Result<EndToEnd> {
    let series = if tenants.len() == 1 { Series::OneTenant } else { Series::ManyTenants };
    crowd_of(session, gateway, (tenants, series), events, limit).await
}

/// The same of a series of its own.
///
/// # Errors
/// As [`crowd`].
pub(super) async fn crowd_of(
    session: &Session,
    gateway: SocketAddr,
    (tenants, series): (&[&Tenant], Series),
    events: u64,
    limit: Duration,
) -> anyhow::Result<EndToEnd> {
    let mut journal = Journal::from_now(session).await?;
    let meter = Meter::start(session.stack.pid(Service::SyncDispatcher.name()));
    let (started, sent_at) = (Instant::now(), Utc::now());
    send(gateway, tenants, series, events).await?;
    let accepted = started.elapsed();
    let mut arrived = Arrived::default();
    while arrived.people() < events && started.elapsed() < limit {
        tokio::time::sleep(LOOK_AGAIN_AT_MANY).await;
        arrived.add(journal.news().await?);
    }
    let cores = Some(meter.read());
    let last_at = arrived.last_at.context("no event arrived at the platform")?;
    let flow = EndToEnd::new(tenants.len(), events, &arrived, accepted, between(sent_at, last_at));
    Ok(EndToEnd { cores, ..flow })
}

/// Sends events in batches, shared out among the tenants.
///
/// # Errors
/// Fails when events are refused.
pub(super) async fn send(gateway: SocketAddr, tenants: &[&Tenant], series: Series, events: u64) -> anyhow::Result<()> {
    send_by(BATCH, gateway, tenants, (series, events)).await
}

/// The same, so many a request.
///
/// # Errors
/// Fails when events are refused.
pub(super) async fn send_by(
    each: u64,
    gateway: SocketAddr,
    tenants: &[&Tenant],
    (series, events): (Series, u64),
) -> anyhow::Result<()> {
    let mut connection = Connection::open(gateway).await?;
    for (batch, tenant) in (0..events.div_ceil(each)).zip(tenants.iter().cycle()) {
        let first = batch.saturating_mul(each);
        let size = events.saturating_sub(first).min(each);
        let prospects = Prospects::new(series, tenant.service_token.expose_secret(), Utc::now());
        accept(&mut connection, &prospects.batch(first, size)).await?;
    }
    Ok(())
}

/// What came into the CRM.
#[derive(Debug, Default)]
pub(super) struct Arrived {
    emails: std::collections::HashSet<String>,
    contacts: u64,
    last_at: Option<DateTime<Utc>>,
}

impl Arrived {
    fn add(&mut self, created: Vec<Created>) {
        for Created { at, email, .. } in created {
            self.contacts += 1;
            self.last_at = self.last_at.max(Some(at));
            self.emails.insert(email);
        }
    }

    /// Different people.
    pub(super) fn people(&self) -> u64 {
        u64::try_from(self.emails.len()).unwrap_or(u64::MAX)
    }

    /// Contacts beyond one for each.
    pub(super) fn duplicates(&self) -> u64 {
        self.contacts.saturating_sub(self.people())
    }
}

async fn accept(connection: &mut Connection, request: &[u8]) -> anyhow::Result<()> {
    match connection.send(request).await? {
        202 => Ok(()),
        status => bail!("the gateway answered {status}: {}", connection.last_answer()),
    }
}

async fn find(journal: &mut Journal, email: &str) -> anyhow::Result<Created> {
    let started = Instant::now();
    while started.elapsed() < ASTRAY {
        let news = journal.news().await?;
        if let Some(created) = news.into_iter().find(|created| created.email == email) {
            return Ok(created);
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    bail!("{email} did not become a contact within {} s", ASTRAY.as_secs())
}

/// The journal's times are cut to the millisecond, and may so lie before the answer.
fn between(from: DateTime<Utc>, to: DateTime<Utc>) -> Duration {
    to.signed_duration_since(from).to_std().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_created_twice_is_one_person_and_a_duplicate() {
        let at = |second| DateTime::from_timestamp(second, 0).unwrap();
        let created = |second, email: &str| Created { at: at(second), email: email.to_owned(), record: None };
        let mut arrived = Arrived::default();
        arrived.add(vec![created(1, "a"), created(5, "b")]);
        arrived.add(vec![created(3, "a")]);
        assert_eq!((arrived.people(), arrived.duplicates(), arrived.last_at), (2, 1, Some(at(5))));
    }

    #[test]
    fn no_time_is_negative() {
        let (early, late) = (DateTime::from_timestamp_millis(1).unwrap(), DateTime::from_timestamp_millis(3).unwrap());
        assert_eq!(between(early, late), Duration::from_millis(2));
        assert_eq!(between(late, early), Duration::ZERO);
    }
}
