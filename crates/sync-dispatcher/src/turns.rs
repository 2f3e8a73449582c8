//! Turns at what all tenants share, our database and processors: only so many batches are worked on at once, no tenant has most of
//! them beside another, the tenants take turns by what they have had, and what is caught up with leaves room for what happens now.
//! Beside others, whoever had a long turn at much rests twice as long. Waiting for a platform is no turn.

mod company;
mod rounds;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::id::TenantId;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::engine::Priority;
use company::Company;
use rounds::Rounds;

/// A turn at no more than this is somebody's own event, of which the next step follows at once.
const A_FEW: usize = 10;

/// A turn that is shorter needs no rest after it.
const SHORT: Duration = Duration::from_millis(5);

/// So many times as long as a turn is the rest after it. After one that is no longer than the turn, what a flood of webhooks left to
/// others was too little at times: that is marked and logged beside its turns.
const REST: u32 = 2;

/// The longest turn that counts for that: what takes longer waited for somebody else.
const LONGEST: Duration = Duration::from_secs(1);

/// Hands out turns; all clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Turns(Arc<Shared>);

/// A turn, until it is dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    shared: Arc<Shared>,
    priority: Priority,
    tenant: TenantId,
    size: usize,
    began: Instant,
}

#[derive(Debug)]
struct Shared {
    /// Turns at once.
    all: usize,
    /// Those of them that live work may have; one is left for the rest, so that it goes on.
    live: usize,
    /// Those of them that the rest may have.
    bulk: usize,
    /// Those of either that one tenant may have beside others, so that a flood of it leaves them some at any moment.
    each: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    live: Lane,
    bulk: Lane,
    company: Company,
}

#[derive(Debug, Default)]
struct Lane {
    running: usize,
    /// How many each tenant has, or rests from, where there are any.
    of: BTreeMap<TenantId, usize>,
    waiting: Rounds<TenantId, (usize, oneshot::Sender<Turn>)>,
}

impl Turns {
    /// So many at once, at least two.
    pub(crate) fn new(at_once: usize) -> Self {
        let all = at_once.max(2);
        let (live, bulk, each) = (all - 1, all / 2, (all / 4).max(1));
        Self(Arc::new(Shared { all, live, bulk, each, state: Mutex::default() }))
    }

    /// Waits for a tenant's turn at something of this size.
    pub(crate) async fn take(&self, priority: Priority, tenant: TenantId, size: usize) -> Turn {
        let (sender, receiver) = oneshot::channel();
        let cost = u64::try_from(size).unwrap_or(u64::MAX);
        {
            let mut state = self.0.lock();
            state.company.note(tenant, Instant::now());
            state.lane(priority).waiting.push(tenant, cost, (size, sender));
        }
        self.0.hand_out();
        let turn = match receiver.await {
            Ok(turn) => turn,
            // Nobody drops a sender that waits.
            Err(_dropped) => Turn { shared: Arc::new(Shared::beside()), priority, tenant, size, began: Instant::now() },
        };
        tracing::trace!("a turn begins");
        turn
    }
}

impl Turn {
    /// How long its tenant rests from it, by how long it took: so a flood leaves the database and the processors to others most of the
    /// time, however fast each of its batches is.
    fn rest(&self, took: Duration) -> Option<Duration> {
        (self.size > A_FEW && took >= SHORT).then_some(took.min(LONGEST) * REST)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let (now, priority, tenant) = (Instant::now(), self.priority, self.tenant);
        let rests =
            self.rest(now.duration_since(self.began)).and_then(|rest| Some((rest, Handle::try_current().ok()?)));
        let rests = {
            let mut state = self.shared.lock();
            let rests = rests.filter(|_| !state.company.is_alone(tenant, now));
            let lane = state.lane(priority);
            lane.running = lane.running.saturating_sub(1);
            if rests.is_none() {
                lane.leave(tenant);
            }
            rests
        };
        self.shared.hand_out();
        if let Some((rest, runtime)) = rests {
            let shared = Arc::clone(&self.shared);
            runtime.spawn(async move {
                tokio::time::sleep(rest).await;
                shared.lock().lane(priority).leave(tenant);
                shared.hand_out();
            });
        }
    }
}

impl State {
    fn lane(&mut self, priority: Priority) -> &mut Lane {
        match priority {
            Priority::Live => &mut self.live,
            Priority::Bulk => &mut self.bulk,
        }
    }
}

impl Lane {
    /// Begins what is next, where no tenant may have more than `most` of it at once.
    fn begin(&mut self, most: impl Fn(TenantId) -> usize) -> Option<(TenantId, (usize, oneshot::Sender<Turn>))> {
        let of = &self.of;
        let may = |tenant: &TenantId| of.get(tenant).is_none_or(|running| *running < most(*tenant));
        let begun = self.waiting.next(may)?;
        self.running += 1;
        *self.of.entry(begun.0).or_default() += 1;
        Some(begun)
    }

    /// Lets go of one that a tenant had and has rested from.
    fn leave(&mut self, tenant: TenantId) {
        let left = self.of.remove(&tenant).unwrap_or_default().saturating_sub(1);
        if left > 0 {
            self.of.insert(tenant, left);
        }
    }
}

impl Shared {
    /// A place where nobody else waits.
    fn beside() -> Self {
        Self { all: 0, live: 0, bulk: 0, each: 0, state: Mutex::default() }
    }

    fn hand_out(self: &Arc<Self>) {
        while let Some((priority, tenant, (size, sender))) = self.next() {
            let (shared, began) = (Arc::clone(self), Instant::now());
            // Whoever has gone meanwhile gives it back by dropping it.
            drop(sender.send(Turn { shared, priority, tenant, size, began }));
        }
    }

    fn next(&self) -> Option<(Priority, TenantId, (usize, oneshot::Sender<Turn>))> {
        let mut state = self.lock();
        if state.live.running + state.bulk.running >= self.all {
            return None;
        }
        let (State { live, bulk, company }, now) = (&mut *state, Instant::now());
        for (priority, lane, most) in [(Priority::Live, live, self.live), (Priority::Bulk, bulk, self.bulk)] {
            // Whoever is alone keeps nobody waiting.
            let most_of = |tenant| if company.is_alone(tenant, now) { most } else { self.each };
            if lane.running < most
                && let Some((tenant, waiting)) = lane.begin(most_of)
            {
                return Some((priority, tenant, waiting));
            }
        }
        None
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere leaves the state as it was between two statements.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn what_is_caught_up_with_leaves_room_for_what_happens_now_and_goes_on_beside_it() {
        let turns = Turns::new(4);
        // Of another tenant each time.
        let take = |priority, size| turns.take(priority, TenantId::new(), size);
        let mut bulk = vec![take(Priority::Bulk, A_FEW).await, take(Priority::Bulk, A_FEW).await];
        assert!(take(Priority::Bulk, A_FEW).now_or_never().is_none(), "half of all, and no more");
        let live = [take(Priority::Live, 1).await, take(Priority::Live, 1).await];
        assert!(take(Priority::Live, 1).now_or_never().is_none(), "all are taken");
        bulk.clear();
        let third = take(Priority::Live, 1).await;
        assert!(take(Priority::Live, 1).now_or_never().is_none(), "one is left for the rest");
        let rest = take(Priority::Bulk, A_FEW).await;
        drop((live, third, rest));
        let state = turns.0.lock();
        assert_eq!((state.live.running, state.bulk.running), (0, 0), "who gave up holds nothing");
        assert!(state.live.of.is_empty() && state.bulk.of.is_empty());
    }

    #[tokio::test]
    async fn beside_another_a_tenant_has_a_quarter_of_the_turns_at_once_however_many_are_free() {
        let (turns, many, few) = (Turns::new(8), TenantId::new(), TenantId::new());
        drop(turns.take(Priority::Bulk, few, 1).await);
        let held = [turns.take(Priority::Live, many, A_FEW).await, turns.take(Priority::Live, many, A_FEW).await];
        assert!(turns.take(Priority::Live, many, A_FEW).now_or_never().is_none(), "a quarter, and no more");
        let other = turns.take(Priority::Live, few, 1).now_or_never();
        assert!(other.is_some(), "who waits in vain keeps nobody else waiting");
        drop(held);
        assert!(turns.take(Priority::Live, many, A_FEW).now_or_never().is_some());
    }

    #[tokio::test]
    async fn a_tenant_that_is_alone_has_all_that_its_lane_has_until_another_comes() {
        let (turns, many, few) = (Turns::new(8), TenantId::new(), TenantId::new());
        let take = || turns.take(Priority::Live, many, A_FEW);
        let mut held: Vec<_> = (0..7).map(|_| take().now_or_never().unwrap()).collect();
        assert!(take().now_or_never().is_none(), "one is left for the rest");
        drop(held.pop());
        let other = turns.take(Priority::Live, few, 1).now_or_never();
        assert!(other.is_some() && take().now_or_never().is_none());
        held.truncate(1);
        assert!(take().now_or_never().is_some(), "a quarter is two");
    }

    #[tokio::test]
    async fn whoever_had_a_long_turn_at_much_rests_twice_as_long_and_whoever_has_an_event_of_its_own_goes_on() {
        let turns = Turns::new(2);
        let (much, little) = (turns.take(Priority::Live, TenantId::new(), 100).await, Duration::from_millis(4));
        assert_eq!(
            [much.rest(SHORT), much.rest(SHORT * 9), much.rest(little)],
            [Some(SHORT * 2), Some(SHORT * 18), None]
        );
        drop(much);
        let own = turns.take(Priority::Live, TenantId::new(), A_FEW).await;
        assert_eq!(own.rest(SHORT * 9), None);
    }

    #[tokio::test]
    async fn whoever_rests_begins_no_other_and_keeps_nobody_waiting() {
        let (turns, many, few) = (Turns::new(4), TenantId::new(), TenantId::new());
        drop(turns.take(Priority::Live, few, 1).await);
        let mut held = turns.take(Priority::Live, many, 100).await;
        // As if it had begun so long ago.
        held.began -= Duration::from_mins(1);
        drop(held);
        assert!(turns.take(Priority::Live, many, 1).now_or_never().is_none(), "it rests");
        assert!(turns.take(Priority::Live, few, 1).now_or_never().is_some());
        assert_eq!(turns.0.lock().live.running, 0, "what it rests from is free for others");
    }

    #[tokio::test]
    async fn a_tenant_with_many_waiting_keeps_another_waiting_for_one_turn_only() {
        let (turns, many, few) = (Turns::new(2), TenantId::new(), TenantId::new());
        let held = turns.take(Priority::Live, many, 100).await;
        let order = Arc::new(Mutex::new(Vec::new()));
        let wait = |tenant| {
            let (turns, order) = (turns.clone(), Arc::clone(&order));
            async move {
                let _turn = turns.take(Priority::Live, tenant, 100).await;
                order.lock().unwrap().push(tenant);
            }
        };
        let waiting: Vec<_> = (0..50).map(|_| wait(many)).chain([wait(few)]).map(Box::pin).collect();
        let all = futures_util::future::join_all(waiting);
        tokio::join!(all, async {
            tokio::task::yield_now().await;
            drop(held);
        });
        let place = order.lock().unwrap().iter().position(|tenant| *tenant == few);
        assert!(place.is_some_and(|place| place <= 1), "{place:?}");
    }
}
