//! Gathering deliveries into batches, and halving a batch that holds one nobody can write. No I/O beyond the stream.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

/// How large a batch grows, and how long it may take to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Rows at most; at least 1.
    pub(crate) rows: usize,
    /// How long the first row waits for others.
    pub(crate) wait: Duration,
}

/// Where deliveries come from.
pub(crate) trait Source {
    /// One delivery.
    type Item: Send;

    /// The next delivery; `None` when there will be no more. Nothing is lost when the future is dropped.
    fn next(&mut self) -> impl Future<Output = Option<Self::Item>> + Send;
}

/// Adds to `batch`, which holds its first delivery already, until one of the limits is met.
pub(crate) async fn fill<S: Source>(batch: &mut Vec<S::Item>, source: &mut S, limits: Limits) {
    let deadline = Instant::now() + limits.wait;
    while batch.len() < limits.rows {
        match timeout_at(deadline, source.next()).await {
            Ok(Some(delivery)) => batch.push(delivery),
            Ok(None) | Err(_) => return,
        }
    }
}

/// What is left of a batch that was refused.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refused<T> {
    /// The one that nobody can write.
    One(T),
    /// Two halves, either of which may hold it.
    Halves(Vec<T>, Vec<T>),
    /// The batch was empty.
    Nothing,
}

/// Takes a refused batch apart.
pub(crate) fn halve<T>(mut batch: Vec<T>) -> Refused<T> {
    if batch.len() > 1 {
        let second = batch.split_off(batch.len() / 2);
        return Refused::Halves(batch, second);
    }
    batch.pop().map_or(Refused::Nothing, Refused::One)
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;

    /// Gives what it has, then nothing for ever.
    struct Slow(VecDeque<u32>);

    impl Source for Slow {
        type Item = u32;

        async fn next(&mut self) -> Option<u32> {
            match self.0.pop_front() {
                Some(item) => Some(item),
                None => std::future::pending().await,
            }
        }
    }

    async fn batch_of(available: u32, limits: Limits) -> Vec<u32> {
        let mut batch = vec![0];
        fill(&mut batch, &mut Slow((1..available).collect()), limits).await;
        batch
    }

    #[tokio::test]
    async fn a_batch_ends_at_its_size() {
        let limits = Limits { rows: 3, wait: Duration::from_secs(3_600) };
        assert_eq!(batch_of(10, limits).await, [0, 1, 2]);
    }

    #[tokio::test]
    async fn a_batch_ends_when_its_first_row_has_waited() {
        let started = Instant::now();
        let limits = Limits { rows: 500, wait: Duration::from_millis(200) };
        assert_eq!(batch_of(2, limits).await, [0, 1]);
        assert!(started.elapsed() >= limits.wait);
    }

    #[test]
    fn halving_finds_every_row_once() {
        let (mut parts, mut found) = (vec![(0..7).collect::<Vec<_>>()], Vec::new());
        while let Some(part) = parts.pop() {
            match halve(part) {
                Refused::One(row) => found.push(row),
                Refused::Halves(first, second) => parts.extend([second, first]),
                Refused::Nothing => unreachable!("no half is empty"),
            }
        }
        assert_eq!(found, [0, 1, 2, 3, 4, 5, 6]);
    }
}
