//! One lane an integration: what is announced while a batch is under way shares the next. What a batch does is `converge`'s.

mod lane;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use domain::id::{IntegrationId, LinkId, TenantId};
use domain::message::{Message, RecordPush, RecordPushBulk};
use domain::trace::TraceParent;
use messaging::{Deliveries, Delivery};
use persistence::Scope;
use persistence::records::links;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

use self::lane::Lane;
use super::converge;
use crate::engine::{DispatchError, Engine, Priority};

/// Batches that may wait in a lane; what comes beyond is acknowledged and stays owed, so that no lane fills the memory.
const BATCHES_WAITING: usize = 4;

/// One in so many of all announcements that are held may wait in one lane: an integration whose platform hangs must not hold
/// those of all others.
const SHARE: usize = 8;

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

/// All lanes of this process for one sort of announcements.
#[derive(Debug)]
pub(crate) struct Lanes<M> {
    engine: Engine,
    /// Batches of one integration at once.
    parallel: usize,
    /// Announcements that may wait in one lane.
    most: usize,
    /// So much more than it takes itself, a lane announces of what it finds in the database, since another dispatcher may be idle: as
    /// much as a bulk lane has its fill of, which then looks there itself. All beyond that would only be announced in vain.
    shared: usize,
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
        let (batch, bulk_prefetch) = (engine.settings.lane_batch, engine.settings.bulk_prefetch);
        let (most, shared) = (room(batch, prefetch), fill(batch, room(batch, bulk_prefetch)));
        Arc::new(Self { engine, parallel, most, shared, lanes: Mutex::default(), batches: TaskTracker::new() })
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

    /// Whether what is committed is to be announced, which is counted as on its way. A lane that is full, or will be of what is, leaves
    /// it to the database, and looks there once it has worked off what it holds.
    pub(crate) fn expects(self: &Arc<Self>, tenant: TenantId, integration: IntegrationId) -> bool {
        let starts = {
            let mut lanes = self.lock();
            let Some(lane) = lanes.get_mut(&integration) else { return true };
            if lane.expects(self.most) {
                return true;
            }
            // Another dispatcher may have all that is on its way: whoever is free here looks in the database.
            lane.takes_on_another(self.parallel)
        };
        if starts {
            self.start(tenant, integration);
        }
        false
    }

    async fn offer(self: &Arc<Self>, delivery: Delivery<M>) {
        let push = delivery.message.push();
        let (tenant, integration) = (push.tenant_id, push.integration_id);
        let (beyond, starts) = {
            let mut lanes = self.lock();
            let lane = lanes.entry(integration).or_default();
            (lane.admit(delivery, self.most), lane.takes_on_another(self.parallel))
        };
        if starts {
            self.start(tenant, integration);
        }
        if let Some(delivery) = beyond {
            acknowledge(vec![delivery]).await;
        }
    }

    /// Begins a worker that its lane has counted.
    fn start(self: &Arc<Self>, tenant: TenantId, integration: IntegrationId) {
        let lanes = Arc::clone(self);
        self.batches.spawn(async move { lanes.work(tenant, integration).await });
    }

    /// Works off a lane, batch after batch, until it is empty.
    async fn work(self: &Arc<Self>, tenant: TenantId, integration: IntegrationId) {
        while let Some(batch) = self.take(tenant, integration).await {
            let size = batch.links.len();
            if size == 0 {
                // Nothing is owed and due: whoever looked for others has taken it.
                continue;
            }
            metrics::histogram!("coccinelle_batch_size").record(u32::try_from(size).unwrap_or(u32::MAX));
            let span =
                tracing::info_span!("converge", otel.name = M::QUEUE, integration.id = %integration, rows = size);
            // Many traces share a batch; the span can be a part of one of them.
            if let Some(trace) = batch.links.values().next() {
                let _below = trace.continued_in(&span);
            }
            let converging = converge(&self.engine, M::PRIORITY, (batch.tenant, integration), &batch.links);
            match converging.instrument(span).await {
                Ok(can_be_called) => {
                    self.note(integration, can_be_called);
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
    async fn take(self: &Arc<Self>, tenant: TenantId, integration: IntegrationId) -> Option<Batch<M>> {
        let (deliveries, refills) = {
            let mut lanes = self.lock();
            let lane = lanes.get_mut(&integration)?;
            if self.batches.is_closed() {
                // What waits goes back to the broker, and what is owed is left to whoever goes on.
                lane.let_go();
            }
            let deliveries = lane.take(self.engine.settings.lane_batch);
            // Where a lane was full of what nobody waits for, there is likely more that was not announced.
            let full = fill(self.engine.settings.lane_batch, self.most);
            lane.overflowed |= M::PRIORITY == Priority::Bulk && deliveries.len() == full;
            let refills = deliveries.is_empty() && lane.refills();
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

    /// Notes whether anybody can call an integration now. What is owed by one that nobody can is left to the database: whoever finds
    /// that it can be called again announces it.
    fn note(&self, integration: IntegrationId, can_be_called: bool) {
        if let Some(lane) = self.lock().get_mut(&integration) {
            lane.rests = !can_be_called;
        }
    }

    /// What the database says is owed and due, in place of announcements that were not kept.
    async fn refill(self: &Arc<Self>, tenant: TenantId, integration: IntegrationId) -> BTreeMap<LinkId, TraceParent> {
        let batch = self.engine.settings.lane_batch;
        let shares = self.lock().get_mut(&integration).is_some_and(|lane| lane.shares(Instant::now()));
        let beyond = if shares { self.shared } else { 0 };
        match self.due((tenant, integration), batch + beyond).await {
            Ok(mut due) => {
                // Where there is all that it may take, there is likely more.
                if due.len() >= batch {
                    self.look_again(tenant, integration);
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

    /// Has the lane look there once more, and by another worker as well where it has not all that it may have: whoever came while one was
    /// looking found nothing and left, and of what is in the database alone no announcement brings it back.
    fn look_again(self: &Arc<Self>, tenant: TenantId, integration: IntegrationId) {
        let starts = {
            let mut lanes = self.lock();
            let Some(lane) = lanes.get_mut(&integration) else { return };
            lane.overflowed = true;
            lane.takes_on_another(self.parallel)
        };
        if starts {
            self.start(tenant, integration);
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
        let mut tx = self.engine.database.begin_committing_asynchronously(Scope::System).await?;
        let due = links::due_of(&mut tx, integration, i64::try_from(limit).unwrap_or(i64::MAX)).await?;
        tx.commit().await?;
        Ok(due)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IntegrationId, Lane<Delivery<M>>>> {
        // A panic elsewhere leaves the lanes as they were between two statements; they stay usable.
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Announcements that may wait in one lane, for batches of this size, where all lanes hold `prefetch` together.
fn room(batch: usize, prefetch: u16) -> usize {
    (BATCHES_WAITING * batch).min(usize::from(prefetch) / SHARE).max(1)
}

/// The largest batch that a lane with so much room ever takes of its announcements.
fn fill(batch: usize, room: usize) -> usize {
    batch.min(room)
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
    fn what_is_announced_to_others_fills_a_bulk_lane_and_is_never_more_than_a_batch() {
        let shared = |batch, prefetch| fill(batch, room(batch, prefetch));
        assert_eq!([shared(100, 200), shared(1, 200), shared(2, 8), shared(10, 800)], [25, 1, 1, 10]);
    }
}
