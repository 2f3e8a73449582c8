//! The loop around a handler: how many at once, what its errors mean for the message, and draining at the end.

use std::any::Any;
use std::hash::{BuildHasher, RandomState};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use domain::fault::{Fault, FaultKind};
use domain::message::Message;
use domain::retry::{Asked, RetrySchedule};
use futures_util::FutureExt;
use metrics::gauge;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::context::Context;
use crate::deliveries::Deliveries;
use crate::delivery::Delivery;
use crate::metric;

/// What a service does with one type of message.
pub trait Handler<M>: Send + Sync + 'static {
    /// Why it could not be done.
    type Error: Fault;

    /// Handles one message. `Ok` means that its effect is durable; the message may still come again.
    fn handle(&self, message: &M, context: &Context) -> impl Future<Output = Result<(), Self::Error>> + Send;
}

/// Handles messages, `concurrency` at once, until `shutdown`; then waits for those under way.
///
/// A message is acked when it is handled. A transient fault sends it to the tier that the schedule or the other side asks for
/// (the last tier repeats, and an unavailable part is no attempt); any other fault makes it a dead letter, and a panic counts
/// as an internal fault.
pub async fn run<M, H>(mut deliveries: Deliveries<M>, concurrency: usize, handler: H, shutdown: CancellationToken)
where
    M: Message,
    H: Handler<M>,
{
    let (handler, mut running) = (Arc::new(handler), JoinSet::new());
    loop {
        tokio::select! {
            biased;
            () = shutdown.cancelled() => break,
            Some(_) = running.join_next(), if !running.is_empty() => {}
            next = deliveries.next(), if running.len() < concurrency.max(1) => match next {
                Some(delivery) => {
                    let schedule = deliveries.broker().schedule().clone();
                    running.spawn(work(Arc::clone(&handler), delivery, schedule));
                }
                None => break,
            },
        }
    }
    deliveries.stop();
    // Gives back what was fetched and not begun.
    drop(deliveries.next().await);
    while running.join_next().await.is_some() {}
}

async fn work<M: Message, H: Handler<M>>(handler: Arc<H>, delivery: Delivery<M>, schedule: RetrySchedule) {
    let span = tracing::info_span!(
        "handle",
        otel.name = M::QUEUE,
        otel.kind = "consumer",
        queue = M::QUEUE,
        message.id = %delivery.context.message_id,
        trace.id = delivery.context.trace.trace_id(),
    );
    let context = Context { trace: delivery.context.trace.continued_in(&span), ..delivery.context };
    let in_handling = gauge!(metric::IN_HANDLING, "queue" => M::QUEUE);
    in_handling.increment(1.0);
    let handling = AssertUnwindSafe(handler.handle(&delivery.message, &context).instrument(span));
    let result = handling.catch_unwind().await;
    in_handling.decrement(1.0);
    match result {
        Ok(Ok(())) => delivery.ack().await,
        Ok(Err(error)) => settle(delivery, &error, &schedule).await,
        Err(panic) => {
            tracing::error!(queue = M::QUEUE, panic = text(&*panic), "a handler panicked");
            let wait = wait(&schedule, delivery.context.attempt, Asked::default());
            delivery.retry(wait, true).await;
        }
    }
}

async fn settle<M: Message>(delivery: Delivery<M>, error: &impl Fault, schedule: &RetrySchedule) {
    let kind = error.kind();
    let message_id = delivery.context.message_id;
    tracing::warn!(queue = M::QUEUE, message.id = %message_id, error.code = error.code(), error = %chain(error), "not handled");
    if kind.is_transient() {
        let asked = Asked { rate_limited: kind == FaultKind::RateLimited, retry_after: error.retry_after() };
        let wait = wait(schedule, delivery.context.attempt, asked);
        delivery.retry(wait, kind != FaultKind::Unavailable).await;
    } else {
        delivery.dead(&format!("{}: {}", error.code(), chain(error))).await;
    }
}

/// By the schedule; its last wait repeats.
fn wait(schedule: &RetrySchedule, attempt: u32, asked: Asked) -> Duration {
    let last = u32::try_from(schedule.tiers().len()).unwrap_or(u32::MAX);
    schedule.wait(attempt.clamp(1, last), jitter(), asked).unwrap_or_default()
}

/// Somewhere between -1 and 1. The standard library's hash keys are as random as this needs.
fn jitter() -> f64 {
    let half = f64::from(u32::MAX) / 2.0;
    let random = u32::try_from(RandomState::new().hash_one(()) >> 32).unwrap_or_default();
    f64::from(random) / half - 1.0
}

/// The error and what caused it, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

fn text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no text")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_wait_repeats() {
        let schedule = RetrySchedule::default();
        for attempt in [6, 7, 1_000] {
            let hours = wait(&schedule, attempt, Asked::default()).as_secs_f64() / 3_600.0;
            assert!((4.8..=7.2).contains(&hours), "{hours}");
        }
    }

    #[test]
    fn jitter_differs_and_stays_in_its_range() {
        let some: Vec<f64> = (0..100).map(|_| jitter()).collect();
        assert!(some.iter().all(|jitter| (-1.0..=1.0).contains(jitter)));
        assert!(some.iter().any(|jitter| *jitter < 0.0) && some.iter().any(|jitter| *jitter > 0.0));
    }
}
