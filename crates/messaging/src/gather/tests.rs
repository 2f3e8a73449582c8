//! Whatever comes, however large and whoever leaves: each learns of its own publish, and none holds more than it may.

use std::collections::BTreeSet;
use std::sync::Mutex;

use proptest::collection::vec;
use proptest::prelude::*;
use tokio::task::{JoinHandle, yield_now};

use super::*;

const ROOMY: Bounds = Bounds { items: 100, bytes: 1_000 };

type Gathered = Arc<Gather<usize, Vec<usize>>>;

/// A publisher that tells of each publish as it begins, and ends none before the gate lets it.
fn gated() -> (Gathered, mpsc::UnboundedReceiver<Vec<usize>>, Arc<Semaphore>) {
    let (tell, told) = mpsc::unbounded_channel();
    let gate = Arc::new(Semaphore::new(0));
    let opened = Arc::clone(&gate);
    let gather = Gather::new(ROOMY, move |items: Vec<usize>| {
        let gate = Arc::clone(&opened);
        tell.send(items.clone()).unwrap();
        async move {
            gate.acquire().await.unwrap().forget();
            items
        }
    });
    (Arc::new(gather), told, gate)
}

fn hand_over(gather: &Gathered, item: usize) -> JoinHandle<Option<Vec<usize>>> {
    let gather = Arc::clone(gather);
    tokio::spawn(async move { gather.hand_over(item, 1).await })
}

#[tokio::test]
async fn what_comes_while_there_is_a_place_goes_at_once_and_what_comes_later_goes_together() {
    let (gather, mut told, gate) = gated();
    let mut callers = Vec::new();
    for item in 0..UNDER_WAY {
        callers.push(hand_over(&gather, item));
        assert_eq!(told.recv().await, Some(vec![item]));
    }
    let later: Vec<_> = (UNDER_WAY..UNDER_WAY + 10).collect();
    callers.extend(later.iter().map(|item| hand_over(&gather, *item)));
    gate.add_permits(UNDER_WAY + 1);
    assert_eq!(told.recv().await.as_ref(), Some(&later));
    for (item, caller) in callers.into_iter().enumerate() {
        let outcome = caller.await.unwrap().unwrap();
        assert_eq!(outcome, if item < UNDER_WAY { vec![item] } else { later.clone() });
    }
}

#[tokio::test]
async fn a_publish_that_dawdles_holds_nobody_up() {
    let (gather, mut told, _never_opened) = gated();
    let mut callers = Vec::new();
    // Each beyond the places goes when the patience with one before it is over.
    for item in 0..UNDER_WAY * 2 {
        callers.push(hand_over(&gather, item));
        assert_eq!(told.recv().await, Some(vec![item]));
    }
    assert!(callers.iter().all(|caller| !caller.is_finished()));
}

#[tokio::test]
async fn after_a_publish_that_panics_the_next_goes_on() {
    let gather = Gather::new(ROOMY, |items: Vec<bool>| async move {
        assert!(!items.contains(&true), "as it was asked to");
    });
    assert_eq!(gather.hand_over(true, 1).await, None);
    assert_eq!(gather.hand_over(false, 1).await, Some(()));
}

proptest! {
    #[test]
    fn each_learns_of_its_own_publish_and_none_is_too_large(
        (items, bytes) in (1_usize..8, 1_usize..64),
        // How large each is, after how many turns it comes, and whether its caller leaves.
        callers in vec((0_usize..100, 0_usize..6, any::<bool>()), 1..60),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let bounds = Bounds { items, bytes };
        let (sent, outcomes) = runtime.block_on(run_all(bounds, &callers));
        for together in &sent {
            let total: usize = together.iter().map(|item| callers[*item].0).sum();
            prop_assert!(together.len() <= items && (total <= bytes || together.len() == 1), "{together:?}: {total}");
        }
        let all: Vec<usize> = sent.concat();
        prop_assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len(), "one was sent twice");
        for (item, outcome) in outcomes.into_iter().enumerate() {
            let Some(told) = outcome else {
                prop_assert!(callers[item].2, "{item} did not leave");
                continue;
            };
            prop_assert!(told.as_ref().is_some_and(|together| together.contains(&item)), "{item} is told of {told:?}");
        }
    }
}

/// What a caller came to know; `None` where it left before.
type Known = Option<Option<Vec<usize>>>;

/// What was sent together, and what each caller came to know.
async fn run_all(bounds: Bounds, callers: &[(usize, usize, bool)]) -> (Vec<Vec<usize>>, Vec<Known>) {
    let sent = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&sent);
    let gather = Arc::new(Gather::new(bounds, move |items: Vec<usize>| {
        log.lock().unwrap().push(items.clone());
        async move {
            for _ in 0..3 {
                yield_now().await;
            }
            items
        }
    }));
    let come = |(item, (bytes, turns, _)): (usize, &(usize, usize, bool))| {
        let (gather, bytes, turns) = (Arc::clone(&gather), *bytes, *turns);
        tokio::spawn(async move {
            for _ in 0..turns {
                yield_now().await;
            }
            gather.hand_over(item, bytes).await
        })
    };
    let running: Vec<_> = callers.iter().enumerate().map(come).collect();
    for _ in 0..4 {
        yield_now().await;
    }
    for (caller, _) in running.iter().zip(callers).filter(|(_, (_, _, leaves))| *leaves) {
        caller.abort();
    }
    let mut known = Vec::new();
    for caller in running {
        known.push(caller.await.ok());
    }
    let sent = sent.lock().unwrap().clone();
    (sent, known)
}
