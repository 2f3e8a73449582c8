//! Waiting for a condition with a deadline. Nothing here waits for a mere lapse of time.

use std::fmt::Debug;
use std::future::Future;
use std::time::{Duration, Instant};

/// How long it is from one look to the next.
const INTERVAL: Duration = Duration::from_millis(20);

/// What a look at a condition found: its value, or why it does not hold yet.
pub trait Look {
    /// What the condition gives when it holds.
    type Value;
    /// The value, or the status that is reported if the deadline passes.
    ///
    /// # Errors
    /// While the condition does not hold.
    fn outcome(self) -> Result<Self::Value, String>;
}

impl<T> Look for Option<T> {
    type Value = T;
    fn outcome(self) -> Result<T, String> {
        self.ok_or_else(|| "nothing yet".to_owned())
    }
}

impl<T, E: Debug> Look for Result<T, E> {
    type Value = T;
    fn outcome(self) -> Result<T, String> {
        self.map_err(|status| format!("{status:?}"))
    }
}

/// Looks until the condition holds (`Some` or `Ok`), and returns its value.
///
/// # Panics
/// When `deadline` has passed, with `what` and the last status (the `Err`, where the look returns a `Result`).
pub async fn until<F, L>(what: &str, deadline: Duration, mut look: impl FnMut() -> F) -> L::Value
where
    F: Future<Output = L>,
    L: Look,
{
    let start = Instant::now();
    loop {
        let status = match look().await.outcome() {
            Ok(value) => return value,
            Err(status) => status,
        };
        assert!(start.elapsed() < deadline, "waited {deadline:?} for {what}; last status: {status}");
        tokio::time::sleep(INTERVAL).await;
    }
}
