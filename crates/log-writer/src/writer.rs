//! The loop of one log: gather a batch, write it, acknowledge it. A row is acknowledged only once it is committed.

use std::time::Duration;

use domain::fault::{Fault, FaultKind};
use domain::retry::{Asked, RetrySchedule};
use domain::step::Step;
use messaging::{Broker, Deliveries, Delivery};
use persistence::{Database, PersistenceError, Scope};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::batch::{Limits, Refused, Source, fill, halve};
use crate::log::Log;

/// The first and the longest pause between two tries while the database is away.
const PAUSES: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(5));
/// How long a batch is held while the database is away. Then it is parked on the broker, which closes the channel of a
/// consumer that keeps a delivery for half an hour (RabbitMQ's `consumer_timeout`).
const PATIENCE: Duration = Duration::from_mins(10);
/// How long it is parked.
const PARKED: Duration = Duration::from_mins(2);

/// Writes one log.
#[derive(Debug)]
pub(crate) struct Writer<L: Log> {
    deliveries: Deliveries<L>,
    database: Database,
    limits: Limits,
    schedule: RetrySchedule,
    shutdown: CancellationToken,
}

/// What is done with a single row that the database does not take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Remedy {
    /// It is tried again after this wait.
    Again(Duration),
    /// It goes to the dead letters.
    Dead,
}

/// Why a batch was not written.
#[derive(Debug)]
enum Failure {
    /// The database stayed away for longer than a batch is held.
    Away,
    /// The service is to stop, and the database is away.
    Stopping,
    /// The database does not take it.
    Refused(PersistenceError),
}

impl<L: Log> Source for Deliveries<L> {
    type Item = Delivery<L>;

    async fn next(&mut self) -> Option<Delivery<L>> {
        self.next().await
    }
}

impl<L: Log> Writer<L> {
    pub(crate) fn new(broker: &Broker, database: Database, limits: Limits, shutdown: CancellationToken) -> Self {
        // As many again as a batch holds, so that the next one is complete when this one is written.
        let prefetch = u16::try_from(limits.rows.saturating_mul(2)).unwrap_or(u16::MAX);
        let (deliveries, schedule) = (broker.deliveries(prefetch), broker.schedule().clone());
        // There before the first row dies: of a figure that begins with it, nobody would see an increase.
        metrics::counter!("log_rows_dead_total", "log" => L::NAME).increment(0);
        Self { deliveries, database, limits, schedule, shutdown }
    }

    /// Writes batch after batch until the service is to stop; what is not in a batch by then stays with the broker.
    pub(crate) async fn run(mut self) {
        loop {
            let first = tokio::select! {
                biased;
                () = self.shutdown.cancelled() => None,
                delivery = self.deliveries.next() => delivery,
            };
            let Some(first) = first else { break };
            let mut batch = vec![first];
            fill(&mut batch, &mut self.deliveries, self.limits).await;
            self.write(batch).await;
        }
        self.deliveries.stop();
        // Stopped, it gives back what it had fetched.
        drop(self.deliveries.next().await);
    }

    /// Writes a batch whole where possible, and else in halves, until only what cannot be written is left.
    async fn write(&self, batch: Vec<Delivery<L>>) {
        let mut parts = vec![batch];
        while let Some(part) = parts.pop() {
            let spans: Vec<_> = part.iter().map(span).collect();
            match self.insert(&part).await {
                Ok(()) => {
                    drop(spans);
                    acknowledge(part).await;
                }
                Err(Failure::Away) => park(part).await,
                Err(Failure::Stopping) => release(part).await,
                Err(Failure::Refused(error)) => match halve(part) {
                    Refused::Halves(first, second) => parts.extend([second, first]),
                    Refused::One(delivery) => self.give_up(delivery, &error).await,
                    Refused::Nothing => {}
                },
            }
        }
    }

    /// Inserts and commits; while the database is away it waits, for a time.
    async fn insert(&self, batch: &[Delivery<L>]) -> Result<(), Failure> {
        let rows: Vec<L> = batch.iter().map(|delivery| delivery.message.clone()).collect();
        let (began, mut pause) = (Instant::now(), PAUSES.0);
        loop {
            let error = match self.commit(&rows).await {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            match error.kind() {
                FaultKind::Unavailable | FaultKind::RateLimited => {}
                FaultKind::Invalid
                | FaultKind::Unauthorized
                | FaultKind::Forbidden
                | FaultKind::NotFound
                | FaultKind::Conflict
                | FaultKind::Internal => return Err(Failure::Refused(error)),
            }
            if began.elapsed() >= PATIENCE {
                return Err(Failure::Away);
            }
            tracing::warn!(
                error = with_causes(&error),
                log = L::NAME,
                rows = rows.len(),
                "the database is away; holding the batch"
            );
            tokio::select! {
                () = self.shutdown.cancelled() => return Err(Failure::Stopping),
                () = tokio::time::sleep(pause) => pause = (pause * 2).min(PAUSES.1),
            }
        }
    }

    async fn give_up(&self, delivery: Delivery<L>, error: &PersistenceError) {
        let (message, attempt) = (delivery.context.message_id, delivery.context.attempt);
        tracing::error!(error = with_causes(error), log = L::NAME, message.id = %message, attempt, "a row cannot be written");
        match remedy(error.kind(), attempt, &self.schedule) {
            Remedy::Again(wait) => delivery.retry(wait, true).await,
            Remedy::Dead => {
                metrics::counter!("log_rows_dead_total", "log" => L::NAME).increment(1);
                delivery.dead(&reason(error)).await;
            }
        }
    }

    async fn commit(&self, rows: &[L]) -> Result<(), PersistenceError> {
        let started = Instant::now();
        let mut transaction = self.database.begin(Scope::System).await?;
        self.database.steps().reached(Step::RowsBefore);
        let written = L::insert(&mut transaction, rows).await?;
        transaction.commit().await?;
        self.database.steps().reached(Step::RowsAfter);
        metrics::histogram!("log_batch_seconds", "log" => L::NAME).record(started.elapsed());
        metrics::histogram!("log_batch_rows", "log" => L::NAME).record(u32::try_from(rows.len()).unwrap_or(u32::MAX));
        metrics::counter!("log_rows_written_total", "log" => L::NAME).increment(count(written));
        metrics::counter!("log_rows_repeated_total", "log" => L::NAME).increment(count(rows.len() - written));
        Ok(())
    }
}

/// The writing of one row, as a part of the trace that led to it.
fn span<L: Log>(delivery: &Delivery<L>) -> tracing::Span {
    let span = tracing::info_span!("log.write", otel.name = L::QUEUE, otel.kind = "consumer", log = L::NAME);
    if !span.is_disabled() {
        let _below = delivery.context.trace.continued_in(&span);
    }
    span
}

fn count(rows: usize) -> u64 {
    u64::try_from(rows).unwrap_or(u64::MAX)
}

async fn acknowledge<L: Log>(batch: Vec<Delivery<L>>) {
    for delivery in batch {
        delivery.ack().await;
    }
}

async fn park<L: Log>(batch: Vec<Delivery<L>>) {
    tracing::warn!(log = L::NAME, rows = batch.len(), "the database stays away; parking the batch on the broker");
    for delivery in batch {
        delivery.retry(PARKED, false).await;
    }
}

async fn release<L: Log>(batch: Vec<Delivery<L>>) {
    for delivery in batch {
        delivery.release().await;
    }
}

/// The row's own fault ends in its dead letter at once; what may be ours is tried again by the schedule.
fn remedy(kind: FaultKind, attempt: u32, schedule: &RetrySchedule) -> Remedy {
    let wait = schedule.wait(attempt, 0.0, Asked::default());
    wait.filter(|_| kind.is_transient()).map_or(Remedy::Dead, Remedy::Again)
}

/// For the log line, which follows the sources by itself.
fn with_causes(error: &PersistenceError) -> &(dyn std::error::Error + 'static) {
    error
}

/// The error with its causes: what an operator reads beside the dead letter.
fn reason(error: &PersistenceError) -> String {
    let causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
    std::iter::once(error.to_string()).chain(causes.map(ToString::to_string)).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_at_fault_is_dead_at_once_and_a_fault_of_ours_when_the_schedule_ends() {
        let schedule = RetrySchedule::default();
        assert_eq!(remedy(FaultKind::Invalid, 1, &schedule), Remedy::Dead);
        assert_eq!(remedy(FaultKind::Internal, 1, &schedule), Remedy::Again(Duration::from_secs(5)));
        assert_eq!(remedy(FaultKind::Internal, 7, &schedule), Remedy::Dead);
    }
}
