//! One lane an integration: what is announced while a batch is under way shares the next. What a batch does is `converge`'s.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::id::{IntegrationId, LinkId, TenantId};
use domain::message::{Message, RecordPush, RecordPushBulk};
use domain::trace::TraceParent;
use messaging::{Deliveries, Delivery};
use persistence::Scope;
use persistence::records::links;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

use super::converge;
use crate::engine::{DispatchError, Engine, Priority};

/// Batches that may wait in a lane; what comes beyond is acknowledged and stays owed, so that no lane fills the memory.
const BATCHES_WAITING: usize = 4;

/// One in so many of all announcements that are held may wait in one lane: an integration whose platform hangs must not hold
/// those of all others.
const SHARE: usize = 8;

/// So much more than it takes itself, a lane announces of what it finds in the database: another dispatcher may be idle. That is enough
/// for a bulk lane to have its fill, and so to look there itself.
const SHARED: usize = 32;

/// How soon a message comes back when the database or the broker was away.
const AWAY: Duration = Duration::from_secs(5);

/// A message that says "look at this link".
pub(crate) trait Announcement: Message {
    /// How much somebody waits for it.
    const PRIORITY: Priority;

    /// The link.
    fn push(&self) -> RecordPush;
}

impl Announcement for RecordPush {
    const PRIORITY: Priority = Priority::Live;

    fn push(&self) -> RecordPush {
        *self
    }
}

impl Announcement for RecordPushBulk {
    const PRIORITY: Priority = Priority::Bulk;

    fn push(&self) -> RecordPush {
        self.0
    }
}

#[derive(Debug)]
struct Lane<D> {
    waiting: VecDeque<D>,
    /// Batches under way.
    running: usize,
    /// Whether announcements were left to the database, from which the lane refills itself.
    overflowed: bool,
}

impl<D> Default for Lane<D> {
    fn default() -> Self {
        Self { waiting: VecDeque::new(), running: 0, overflowed: false }
    }
}

impl<D> Lane<D> {
    /// Whether it holds `most` already. What comes then is left to the database.
    fn overflows(&mut self, most: usize) -> bool {
        let is_full = self.waiting.len() >= most;
        self.overflowed |= is_full;
        is_full
    }
}

/// All lanes of this process for one sort of announcements.
#[derive(Debug)]
pub(crate) struct Lanes<M> {
    engine: Engine,
    /// Batches of one integration at once.
    parallel: usize,
    /// Announcements that may wait in one lane.
    most: usize,
    lanes: Mutex<HashMap<IntegrationId, Lane<Delivery<M>>>>,
    batches: TaskTracker,
}

/// A batch that a lane hands out.
struct Batch<M> {
    tenant: TenantId,
    links: BTreeMap<LinkId, TraceParent>,
    deliveries: Vec<Delivery<M>>,
}

impl<M: Announcement> Lanes<M> {
    /// Lanes for so many batches of one integration at once, of announcements of which so many are held by all together.
    pub(crate) fn new(engine: Engine, parallel: usize, prefetch: u16) -> Arc<Self> {
        let most = (BATCHES_WAITING * engine.settings.lane_batch).min(usize::from(prefetch) / SHARE).max(1);
        Arc::new(Self { engine, parallel, most, lanes: Mutex::default(), batches: TaskTracker::new() })
    }

    /// Takes announcements until `shutdown`, then finishes the batches that are under way.
    pub(crate) async fn run(self: Arc<Self>, mut deliveries: Deliveries<M>, shutdown: CancellationToken) {
        loop {
            let delivery = tokio::select! {
                () = shutdown.cancelled() => break,
                delivery = deliveries.next() => delivery,
            };
            let Some(delivery) = delivery else { break };
            self.offer(delivery).await;
        }
        deliveries.stop();
        // Gives back what was fetched and not yet taken.
        while deliveries.next().await.is_some() {}
        self.batches.close();
        self.batches.wait().await;
    }

    /// Whether a lane is full, so that it would leave to the database what is announced now. Then what is committed need not be
    /// announced: the lane looks there once it has worked off what it holds.
    pub(crate) fn would_leave(&self, integration: IntegrationId) -> bool {
        self.lock().get_mut(&integration).is_some_and(|lane| lane.overflows(self.most))
    }

    async fn offer(self: &Arc<Self>, delivery: Delivery<M>) {
        let push = delivery.message.push();
        let (tenant, integration) = (push.tenant_id, push.integration_id);
        let (beyond, starts) = {
            let mut lanes = self.lock();
            let lane = lanes.entry(integration).or_default();
            let beyond = if lane.overflows(self.most) {
                Some(delivery)
            } else {
                lane.waiting.push_back(delivery);
                None
            };
            let starts = lane.running < self.parallel;
            lane.running += usize::from(starts);
            (beyond, starts)
        };
        if starts {
            let lanes = Arc::clone(self);
            self.batches.spawn(async move { lanes.work(tenant, integration).await });
        }
        if let Some(delivery) = beyond {
            acknowledge(vec![delivery]).await;
        }
    }

    /// Works off a lane, batch after batch, until it is empty.
    async fn work(&self, tenant: TenantId, integration: IntegrationId) {
        while let Some(batch) = self.take(tenant, integration).await {
            let size = batch.links.len();
            metrics::histogram!("coccinelle_batch_size").record(u32::try_from(size).unwrap_or(u32::MAX));
            let span =
                tracing::info_span!("converge", otel.name = M::QUEUE, integration.id = %integration, rows = size);
            // Many traces share a batch; the span can be a part of one of them.
            if let Some(trace) = batch.links.values().next() {
                let _below = trace.continued_in(&span);
            }
            let converging = converge(&self.engine, M::PRIORITY, (batch.tenant, integration), &batch.links);
            match converging.instrument(span).await {
                Ok(true) => acknowledge(batch.deliveries).await,
                Ok(false) => {
                    self.rest(integration);
                    acknowledge(batch.deliveries).await;
                }
                Err(error) => {
                    tracing::warn!(integration.id = %integration, error = %chain(&error), "a batch is put off");
                    put_off(batch.deliveries).await;
                }
            }
        }
    }

    /// The next batch; `None` once the lane is empty, which ends this worker's claim on it.
    async fn take(&self, tenant: TenantId, integration: IntegrationId) -> Option<Batch<M>> {
        let (deliveries, refills) = {
            let mut lanes = self.lock();
            let lane = lanes.get_mut(&integration)?;
            if self.batches.is_closed() {
                // What waits goes back to the broker, and what is owed is left to whoever goes on.
                *lane = Lane { running: lane.running, ..Lane::default() };
            }
            let count = lane.waiting.len().min(self.engine.settings.lane_batch);
            let deliveries: Vec<_> = lane.waiting.drain(..count).collect();
            // Where a lane was full of what nobody waits for, there is likely more that was not announced.
            let full = self.engine.settings.lane_batch.min(self.most);
            lane.overflowed |= M::PRIORITY == Priority::Bulk && count == full;
            let refills = deliveries.is_empty() && std::mem::take(&mut lane.overflowed);
            if deliveries.is_empty() && !refills {
                lane.running -= 1;
                if lane.running == 0 {
                    lanes.remove(&integration);
                }
                return None;
            }
            (deliveries, refills)
        };
        let links = if refills { self.refill(tenant, integration).await } else { BTreeMap::new() };
        let announced = deliveries.iter().map(|delivery| (delivery.message.push().link_id, delivery.context.trace));
        let links = announced.chain(links).collect();
        Some(Batch { tenant, links, deliveries })
    }

    /// Leaves to the database what is owed by an integration that nobody can call now. Whoever finds that it can be called
    /// again announces it.
    fn rest(&self, integration: IntegrationId) {
        if let Some(lane) = self.lock().get_mut(&integration) {
            lane.overflowed = false;
        }
    }

    /// What the database says is owed and due, in place of announcements that were not kept.
    async fn refill(&self, tenant: TenantId, integration: IntegrationId) -> BTreeMap<LinkId, TraceParent> {
        let batch = self.engine.settings.lane_batch;
        match self.due((tenant, integration), batch + SHARED).await {
            Ok(mut due) => {
                if due.len() >= batch
                    && let Some(lane) = self.lock().get_mut(&integration)
                {
                    lane.overflowed = true;
                }
                self.share(&due.split_off(batch.min(due.len()))).await;
                due.into_iter().map(|push| (push.link_id, TraceParent::generate())).collect()
            }
            Err(error) => {
                // The reconciler announces it again.
                tracing::warn!(integration.id = %integration, error = %chain(&error), "a lane cannot be refilled");
                BTreeMap::new()
            }
        }
    }

    /// Announces what this lane leaves for now, to whichever dispatcher has room.
    async fn share(&self, left: &[RecordPush]) {
        if let Err(error) = self.engine.announce(Priority::Bulk, left, TraceParent::generate()).await {
            // It is owed: the next look finds it again.
            tracing::warn!(error = %chain(&error), "what a lane has no room for could not be announced");
        }
    }

    async fn due(
        &self,
        (tenant, integration): (TenantId, IntegrationId),
        limit: usize,
    ) -> Result<Vec<RecordPush>, DispatchError> {
        // Noting that so many are announced is as much work as a batch's own. What is found is counted when it is worked on.
        let _turn = self.engine.turns.take(M::PRIORITY, tenant, 1).await;
        let mut tx = self.engine.database.begin(Scope::System).await?;
        let due = links::due_of(&mut tx, integration, i64::try_from(limit).unwrap_or(i64::MAX)).await?;
        tx.commit().await?;
        Ok(due)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IntegrationId, Lane<Delivery<M>>>> {
        // A panic elsewhere leaves the lanes as they were between two statements; they stay usable.
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn acknowledge<M: Message>(deliveries: Vec<Delivery<M>>) {
    for delivery in deliveries {
        delivery.ack().await;
    }
}

async fn put_off<M: Message>(deliveries: Vec<Delivery<M>>) {
    for delivery in deliveries {
        delivery.retry(AWAY, false).await;
    }
}

/// An error with its causes, on one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lane_that_is_full_leaves_the_rest_to_the_database_and_looks_there_later() {
        let mut lane = Lane::default();
        for number in 0..2 {
            assert!(!lane.overflows(2) && !lane.overflowed);
            lane.waiting.push_back(number);
        }
        assert!(lane.overflows(2) && lane.overflowed);
        lane.waiting.clear();
        assert!(!lane.overflows(2) && lane.overflowed, "it has not looked there yet");
    }
}
