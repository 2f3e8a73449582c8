//! The load generator: so many connections, each with one request under way, for a time. What is asked for is not known here.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use hdrhistogram::Histogram;
use tokio::task::JoinSet;

use super::connection::Connection;

/// Connections that are open at once, where nothing else is measured.
pub(super) const CONNECTIONS: u32 = 64;
/// What takes longer counts as this long.
const SLOWEST: Duration = Duration::from_secs(60);

/// Whom to ask, for how long, and which answer counts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    pub(super) address: SocketAddr,
    pub(super) time: Duration,
    pub(super) wanted: u16,
    /// Requests a second; without it, each follows the answer to the one before.
    pub(super) pace: Option<u32>,
    /// Connections that are open at once.
    pub(super) connections: u32,
}

impl Plan {
    /// When the request of a number is due.
    fn due(&self, started: Instant, number: u64) -> Option<Instant> {
        let each = Duration::from_secs(1).checked_div(self.pace?)?;
        Some(started + each.saturating_mul(u32::try_from(number).unwrap_or(u32::MAX)))
    }
}

/// What came of it.
#[derive(Debug)]
pub(super) struct Load {
    /// Requests that were answered as wanted.
    pub(super) answered: u64,
    /// Those that were answered otherwise.
    pub(super) refused: u64,
    pub(super) elapsed: Duration,
    /// From the request's first byte sent, or from when it was due, to the answer's last byte read.
    pub(super) waits: Waits,
}

/// Durations, counted by their length to three digits.
#[derive(Debug)]
pub(super) struct Waits(Histogram<u64>);

impl Waits {
    pub(super) fn new() -> anyhow::Result<Self> {
        let slowest = u64::try_from(SLOWEST.as_micros())?;
        Ok(Self(Histogram::new_with_bounds(1, slowest, 3).context("the histogram could not be made")?))
    }

    pub(super) fn add(&mut self, wait: Duration) {
        self.0.saturating_record(u64::try_from(wait.as_micros()).unwrap_or(u64::MAX).max(1));
    }

    /// The wait that this share of all stayed below, in milliseconds.
    pub(super) fn millis(&self, percent: f64) -> f64 {
        Duration::from_micros(self.0.value_at_percentile(percent)).as_secs_f64() * 1_000.0
    }

    pub(super) fn count(&self) -> u64 {
        self.0.len()
    }
}

/// Makes the request of this number; `None` once there are no more.
pub(super) trait Requests: Fn(u64) -> Option<Vec<u8>> + Send + Sync + 'static {}

impl<F: Fn(u64) -> Option<Vec<u8>> + Send + Sync + 'static> Requests for F {}

/// Sends requests on every connection until the time is over or there are no more.
///
/// # Errors
/// Fails when a connection breaks, or nothing was answered as wanted, with an answer that was not.
pub(super) async fn drive(plan: Plan, requests: impl Requests) -> anyhow::Result<Load> {
    let (requests, next) = (Arc::new(requests), Arc::new(AtomicU64::new(0)));
    let mut connections = Vec::new();
    for _ in 0..plan.connections {
        connections.push(Connection::open(plan.address).await?);
    }
    let started = Instant::now();
    let mut workers = JoinSet::new();
    for connection in connections {
        let (requests, next) = (Arc::clone(&requests), Arc::clone(&next));
        let number = move || next.fetch_add(1, Ordering::Relaxed);
        let work = work(connection, plan, started, move || {
            let number = number();
            Some((number, requests(number)?))
        });
        workers.spawn(work);
    }
    let mut load = Load { answered: 0, refused: 0, elapsed: Duration::ZERO, waits: Waits::new()? };
    let mut refusal = None;
    while let Some(worker) = workers.join_next().await {
        let done = worker.context("a connection's task ended early")??;
        load.answered += done.waits.count();
        load.refused += done.refused;
        load.waits.0.add(&done.waits.0).context("histograms of one kind")?;
        refusal = refusal.or(done.refusal);
    }
    load.elapsed = started.elapsed();
    match refusal.filter(|_| load.answered == 0) {
        Some(answer) => bail!("{} answered none of {} requests: {answer}", plan.address, load.refused),
        None => Ok(load),
    }
}

struct Done {
    waits: Waits,
    refused: u64,
    refusal: Option<String>,
}

async fn work(
    mut connection: Connection,
    plan: Plan,
    started: Instant,
    mut next: impl FnMut() -> Option<(u64, Vec<u8>)>,
) -> anyhow::Result<Done> {
    let mut done = Done { waits: Waits::new()?, refused: 0, refusal: None };
    while started.elapsed() < plan.time {
        let Some((number, request)) = next() else { break };
        let due = plan.due(started, number);
        if let Some(due) = due {
            tokio::time::sleep_until(due.into()).await;
        }
        // One that had to wait for a connection waits all the same.
        let sent = due.unwrap_or_else(Instant::now);
        let answer = tokio::time::timeout(SLOWEST, connection.send(&request)).await;
        let status = answer.with_context(|| format!("no answer in {} s", SLOWEST.as_secs()))??;
        if status == plan.wanted {
            done.waits.add(sent.elapsed());
        } else {
            done.refused += 1;
            done.refusal.get_or_insert_with(|| connection.last_answer());
        }
    }
    Ok(done)
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    /// Answers every other request with 202 and the rest with 503.
    async fn serve(listener: TcpListener) {
        let asked = Arc::new(AtomicU64::new(0));
        while let Ok((mut stream, _)) = listener.accept().await {
            let asked = Arc::clone(&asked);
            tokio::spawn(async move {
                let mut request = [0; 1_024];
                while let Ok(1..) = stream.read(&mut request).await {
                    let odd = asked.fetch_add(1, Ordering::Relaxed) % 2 == 1;
                    let status = if odd { "503 Service Unavailable" } else { "202 Accepted" };
                    let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 2\r\n\r\n{{}}");
                    stream.write_all(answer.as_bytes()).await.unwrap();
                }
            });
        }
    }

    async fn plan(wanted: u16) -> Plan {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(serve(listener));
        Plan { address, time: Duration::from_secs(60), wanted, pace: None, connections: CONNECTIONS }
    }

    fn thousand(number: u64) -> Option<Vec<u8>> {
        (number < 1_000).then(|| super::super::connection::post("/", &[], b"{}"))
    }

    #[tokio::test]
    async fn counts_what_is_answered_as_wanted_and_what_is_not() {
        let load = drive(plan(202).await, thousand).await.unwrap();
        assert_eq!((load.answered, load.refused), (500, 500));
        assert_eq!(load.waits.count(), 500);
        assert!(load.waits.millis(50.0) <= load.waits.millis(99.0));
    }

    #[tokio::test]
    async fn keeps_a_pace_until_the_time_is_over() {
        let plan = Plan { time: Duration::from_millis(500), pace: Some(100), ..plan(202).await };
        let load = drive(plan, thousand).await.unwrap();
        // Each connection may have one more under way when the time is over.
        let sent = load.answered + load.refused;
        assert!(load.elapsed >= Duration::from_millis(500) && sent <= 50 + u64::from(CONNECTIONS), "{sent}");
        assert!(load.waits.count() > 0);
    }

    #[tokio::test]
    async fn says_what_was_answered_when_nothing_was_as_wanted() {
        let error = drive(plan(200).await, thousand).await.unwrap_err().to_string();
        assert!(error.contains("503") || error.contains("202"), "{error}");
    }

    #[test]
    fn percentiles_are_in_milliseconds() {
        let mut waits = Waits::new().unwrap();
        for millis in 1..=100 {
            waits.add(Duration::from_millis(millis));
        }
        assert!((waits.millis(50.0) - 50.0).abs() < 0.1);
        assert!((waits.millis(99.0) - 99.0).abs() < 0.1);
    }
}
