//! Everything that the dispatcher does at once: which queues it takes from, how many of each, and who looks after the rest.

use std::sync::Arc;

use domain::message::{
    BackendTell, CallbackApply, EventMerge, Message, RecordAmend, RecordPush, RecordPushBulk, RunPage, WebhookApply,
    WebhookApplyMany,
};
use futures_util::future::join_all;
use messaging::consumer::{self, Handler};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::amend::Amend;
use crate::apply::{Apply, ApplyMany};
use crate::callback::Callback;
use crate::converge::Lanes;
use crate::engine::Engine;
use crate::merge::Merge;
use crate::runs::Pages;
use crate::telling::Tell;
use crate::{breakers, caretaker, reconcile, told};

/// Messages of the intake that are merged at once, and of others that are handled. Each holds one connection of the pool.
const MERGES: usize = 4;

/// Messages of webhooks that are written down at once, each of up to a hundred deliveries that may mark a hundred objects each. Few,
/// since nobody waits for that as for an event: a platform that tells of thousands must not have all connections and processors.
const MARKS: usize = 2;

/// Of what the backend is told at once (`backend.parallel`), that which holds a connection, before the backend is asked and after.
const NOTES: usize = 2;

/// Decisions that are carried out at once: people make them, so they are few. A value that is given to a whole group of failures is as
/// many as there are records, and has a lane of its own.
const AMENDS: usize = 1;

/// Pages of runs at once, each of another integration. More than there are hands for them, since most wait for a platform.
const PAGES: usize = 8;

/// Batch calls of one integration at once for what nobody waits for: the others are left to what happens now.
const BULK_PARALLEL: usize = 1;

/// Messages fetched ahead for each that is handled.
const AHEAD: u16 = 32;

/// Works until `shutdown`, then finishes what is under way.
pub(crate) async fn until(engine: Engine, shutdown: CancellationToken) {
    let (stop, settings) = (&shutdown, engine.settings.clone());
    // On the heap: together these states would be a large part of a thread's stack.
    let events = Box::pin(merge(&engine, stop));
    let live = Lanes::new(engine.clone(), settings.lane_parallel, settings.push_prefetch);
    let places = Arc::new(Semaphore::new(MARKS));
    let apply = Apply { engine: engine.clone(), lanes: Arc::clone(&live), places };
    let webhooks = Box::pin(handle::<WebhookApply, _>(&engine, MERGES, apply.clone(), stop));
    let shared = Box::pin(handle::<WebhookApplyMany, _>(&engine, MERGES, ApplyMany(apply), stop));
    let amendments = Box::pin(amend(&engine, stop));
    let callbacks = Box::pin(handle::<CallbackApply, _>(&engine, MERGES, Callback(engine.clone()), stop));
    let parallel = engine.backend.settings.parallel;
    let tell = Tell { engine: engine.clone(), places: Arc::new(Semaphore::new(NOTES)), stop: stop.clone() };
    let tells = Box::pin(handle::<BackendTell, _>(&engine, parallel, tell, stop));
    let pages = Box::pin(handle::<RunPage, _>(&engine, PAGES, Pages::new(engine.clone()), stop));
    let pushes = engine.broker.deliveries::<RecordPush>(settings.push_prefetch);
    let live = Box::pin(live.run(pushes, shutdown.clone()));
    let pushes = engine.broker.deliveries::<RecordPushBulk>(settings.bulk_prefetch);
    let lanes = Lanes::new(engine.clone(), BULK_PARALLEL, settings.bulk_prefetch);
    let bulk = Box::pin(lanes.run(pushes, shutdown.clone()));
    let caretaker = Box::pin(caretaker::run(engine.clone(), shutdown.clone()));
    let breakers = Box::pin(breakers::watch(engine.clone(), shutdown.clone()));
    let reconciler = Box::pin(reconcile::run(engine.clone(), shutdown.clone()));
    let told = Box::pin(told::watch(engine.clone(), shutdown.clone()));
    let handlers = async { tokio::join!(events, webhooks, shared, amendments, callbacks, tells, pages) };
    tokio::join!(handlers, live, bulk, reconciler, caretaker, breakers, told);
    // What was finished last.
    told::forget(&engine).await;
}

/// Merges from every lane of the intake, each with a consumer of its own.
async fn merge(engine: &Engine, stop: &CancellationToken) {
    let turns = Arc::new(Semaphore::new(MERGES));
    let lanes = engine.broker.lanes::<EventMerge>(AHEAD).into_iter().map(|deliveries| {
        let merge = Merge { engine: engine.clone(), turns: Arc::clone(&turns) };
        consumer::run(deliveries, MERGES, merge, stop.clone())
    });
    join_all(lanes).await;
}

/// Carries out decisions from each of their lanes.
async fn amend(engine: &Engine, stop: &CancellationToken) {
    let lanes = engine.broker.lanes::<RecordAmend>(AHEAD).into_iter();
    join_all(lanes.map(|deliveries| consumer::run(deliveries, AMENDS, Amend(engine.clone()), stop.clone()))).await;
}

async fn handle<M: Message, H: Handler<M>>(engine: &Engine, at_once: usize, handler: H, stop: &CancellationToken) {
    consumer::run(engine.broker.deliveries::<M>(AHEAD), at_once, handler, stop.clone()).await;
}
