//! Calls made one by one: a few at once and none after one that no other would survive, or again after a short limit.

use std::pin::pin;
use std::sync::OnceLock;
use std::time::Duration;

use domain::fault::FaultKind;
use futures_util::StreamExt;
use futures_util::stream;

use crate::connector::Each;
use crate::error::ConnectorError;

/// Tries of a call that a short limit refuses.
const TRIES: u32 = 3;

/// Calls that are under way at once.
const AT_ONCE: usize = 4;

/// What came of each of `calls`, in their order. Once one was refused for a reason that is no item's, those that have not
/// begun are not made.
pub(crate) async fn each<T>(calls: Vec<impl Future<Output = Result<T, ConnectorError>>>) -> Each<T> {
    let end = OnceLock::<ConnectorError>::new();
    let guarded = calls.into_iter().map(|call| {
        let end = &end;
        async move {
            if let Some(error) = end.get() {
                return Err(error.for_others());
            }
            let result = call.await;
            if let Err(error) = result.as_ref()
                && !error.is_about_content()
            {
                // Somebody else may have been told the same meanwhile.
                end.get_or_init(|| error.clone());
            }
            result
        }
    });
    let mut results = pin!(stream::iter(guarded).buffered(AT_ONCE));
    let mut each = Vec::new();
    while let Some(result) = results.next().await {
        each.push(result);
    }
    each
}

/// The results of all of `calls`, in their order.
///
/// # Errors
/// The first that failed.
pub(crate) async fn all<T>(
    calls: Vec<impl Future<Output = Result<T, ConnectorError>>>,
) -> Result<Vec<T>, ConnectorError> {
    each(calls).await.into_iter().collect()
}

/// Makes a call that a short limit may refuse, and again once its `window` is over.
///
/// # Errors
/// As the call; also when it is refused by that limit again and again.
pub(crate) async fn patiently<T, F>(window: Duration, call: impl Fn() -> F) -> Result<T, ConnectorError>
where
    F: Future<Output = Result<T, ConnectorError>>,
{
    for _ in 1..TRIES {
        match call().await {
            Err(error)
                if error.kind == FaultKind::RateLimited && error.retry_after.is_some_and(|wait| wait <= window) =>
            {
                tokio::time::sleep(window).await;
            }
            other => return other,
        }
    }
    call().await
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    async fn fates(kind: FaultKind) -> (Vec<bool>, usize, Each<usize>) {
        let made = AtomicUsize::new(0);
        let made = &made;
        let calls = (0..20).map(|n| async move {
            made.fetch_add(1, Ordering::Relaxed);
            tokio::task::yield_now().await;
            let refused = ConnectorError { status: Some(500), ..ConnectorError::new(kind, "refused", "no") };
            if n == 2 { Err(refused) } else { Ok(n) }
        });
        let each = each(calls.collect()).await;
        (each.iter().map(Result::is_ok).collect(), made.load(Ordering::Relaxed), each)
    }

    #[tokio::test]
    async fn an_item_that_is_refused_for_what_it_holds_does_not_concern_the_others() {
        let (fates, made, each) = fates(FaultKind::Invalid).await;
        assert_eq!((fates.iter().filter(|ok| **ok).count(), made), (19, 20));
        assert_eq!(*each[19].as_ref().unwrap(), 19);
    }

    #[tokio::test]
    async fn once_the_platform_is_away_nothing_more_is_tried_and_nothing_can_have_come_of_that() {
        let (_, made, each) = fates(FaultKind::Unavailable).await;
        assert!(made <= 2 + AT_ONCE, "{made}");
        assert!(each[2].as_ref().unwrap_err().outcome_is_unknown());
        assert!(!each[19].as_ref().unwrap_err().outcome_is_unknown());
    }
}
