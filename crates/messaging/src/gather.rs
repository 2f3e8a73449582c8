//! Sharing a publish: what comes while one is under way is gathered and goes out together. What a publish is, is the caller's.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::time::timeout;

#[cfg(test)]
mod tests;

/// Publishes that may be under way before what comes next is gathered. The fewer there are, the more goes out with each, which
/// spares more than making the next one ready while the broker writes (docs/performance.md has both measured).
const UNDER_WAY: usize = 1;

/// A publish that takes longer than this keeps its place no more: what comes next does not wait for a broker that is silent.
const PATIENCE: Duration = Duration::from_millis(50);

/// Items that may wait; whoever comes with one more waits to hand it over.
const WAITING: usize = 4_096;

/// How much goes out together at most. An item that is larger than all of it goes alone.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Items.
    pub items: usize,
    /// Bytes, as those say who hand the items over.
    pub bytes: usize,
}

/// Gathers items, and gives each who handed one over the outcome of the publish that it went out with.
#[derive(Debug)]
pub struct Gather<T, R> {
    waiting: mpsc::Sender<Waiting<T, R>>,
}

/// An item, and who wants to know what became of it.
#[derive(Debug)]
struct Waiting<T, R> {
    item: T,
    bytes: usize,
    answer: oneshot::Sender<R>,
}

impl<T: Send + 'static, R: Clone + Send + 'static> Gather<T, R> {
    /// Sends by `send`, which gets at least one item, until this is dropped and nothing waits any more.
    ///
    /// Must be called within a Tokio runtime, which carries the publishes.
    #[must_use]
    pub fn new<S, F>(bounds: Bounds, send: S) -> Self
    where
        S: Fn(Vec<T>) -> F + Send + 'static,
        F: Future<Output = R> + Send + 'static,
    {
        let (waiting, incoming) = mpsc::channel(WAITING);
        tokio::spawn(run(Queue { incoming, held: None }, bounds, send));
        Self { waiting }
    }

    /// Hands an item over and waits for the outcome; `None` where its sending came to no end. While nothing is under way, it
    /// is sent at once. Whoever does not wait for the outcome takes nothing from the others.
    pub async fn hand_over(&self, item: T, bytes: usize) -> Option<R> {
        let (answer, answered) = oneshot::channel();
        self.waiting.send(Waiting { item, bytes, answer }).await.ok()?;
        answered.await.ok()
    }
}

/// What waits, in the order in which it came.
struct Queue<T, R> {
    incoming: mpsc::Receiver<Waiting<T, R>>,
    /// The one that was too large for those before it.
    held: Option<Waiting<T, R>>,
}

impl<T, R> Queue<T, R> {
    /// The first that waits and that somebody still wants to know of; `None` when there will be none any more.
    async fn next(&mut self) -> Option<Waiting<T, R>> {
        if let Some(held) = self.held.take() {
            return Some(held);
        }
        loop {
            let next = self.incoming.recv().await?;
            if !next.answer.is_closed() {
                return Some(next);
            }
        }
    }

    /// The first, and what has come since and fits beside it.
    fn fill(&mut self, first: Waiting<T, R>, bounds: Bounds) -> Vec<Waiting<T, R>> {
        let (mut bytes, mut together) = (first.bytes, vec![first]);
        while together.len() < bounds.items
            && let Ok(next) = self.incoming.try_recv()
        {
            if next.answer.is_closed() {
                continue;
            }
            bytes = bytes.saturating_add(next.bytes);
            if bytes > bounds.bytes {
                self.held = Some(next);
                break;
            }
            together.push(next);
        }
        together
    }
}

async fn run<T, R, S, F>(mut queue: Queue<T, R>, bounds: Bounds, send: S)
where
    T: Send + 'static,
    R: Clone + Send + 'static,
    S: Fn(Vec<T>) -> F + Send + 'static,
    F: Future<Output = R> + Send + 'static,
{
    let places = Arc::new(Semaphore::new(UNDER_WAY));
    while let Some(first) = queue.next().await {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        // Only now: what came while this one waited for its place goes with it.
        let together = queue.fill(first, bounds);
        let (items, answers): (Vec<_>, Vec<_>) =
            together.into_iter().map(|waiting| (waiting.item, waiting.answer)).unzip();
        // A task of its own: where it panics, those that it was for are told nothing, and the others go on.
        tokio::spawn(deliver(send(items), answers, place));
    }
}

async fn deliver<R: Clone>(
    sending: impl Future<Output = R>,
    answers: Vec<oneshot::Sender<R>>,
    place: OwnedSemaphorePermit,
) {
    let mut sending = pin!(sending);
    let outcome = match timeout(PATIENCE, sending.as_mut()).await {
        Ok(outcome) => outcome,
        Err(_under_way_still) => {
            drop(place);
            sending.await
        }
    };
    for answer in answers {
        // Whoever is gone does not want to know.
        drop(answer.send(outcome.clone()));
    }
}
