//! Runs, page by page: a page is done once, whoever does it and however often it is announced. One file a step.

mod announce;
mod archived;
mod failure;
mod link;
mod list;
mod opening;
mod remove;
mod settle;
mod trip;
mod verify;

use std::sync::Arc;
use std::time::Duration;

use domain::message::RunPage;
use domain::run::{State, Step};
use messaging::Context;
use messaging::consumer::Handler;
use persistence::breakers::Standing;
use persistence::{Scope, runs};
use tokio::sync::Semaphore;

use crate::breakers;
use crate::engine::{DispatchError, Engine, Priority};
use opening::Opened;
use trip::{Outcome, Trip};

/// Does one page of a run.
///
/// What the page does and that the run has moved on are one transaction; the next page is announced behind it. What is lost
/// in between is announced by the reconciler. A page that has been done finds its sequence gone.
#[derive(Clone, Debug)]
pub(crate) struct Pages {
    engine: Engine,
    /// Places for pages of integrations that were not answered the last time: those may wait long for nothing, and the other
    /// places are kept from them.
    doubtful: Arc<Semaphore>,
}

/// Pages of integrations that were not answered the last time, at once.
const DOUBTFUL: usize = 2;

impl Pages {
    pub(crate) fn new(engine: Engine) -> Self {
        Self { engine, doubtful: Arc::new(Semaphore::new(DOUBTFUL)) }
    }
}

impl Handler<RunPage> for Pages {
    type Error = DispatchError;

    async fn handle(&self, page: &RunPage, context: &Context) -> Result<(), DispatchError> {
        let engine = &self.engine;
        let mut tx = engine.database.begin(Scope::System).await?;
        let run = runs::take_up(&mut tx, page).await?;
        tx.commit().await?;
        let Some(run) = run else { return Ok(()) };
        if run.state == State::Cancelling {
            return end(engine, page, State::Cancelled).await;
        }
        let trip = match opening::open(engine, *page, run).await? {
            Opened::Ready(trip) => trip,
            Opened::Parked(pause) => return failure::wait(engine, (page, context.trace), pause).await,
            Opened::Refused(error) => return failure::give_up(engine, page, &error).await,
        };
        let place = match trip.standing {
            Standing::Failing => self.doubtful.try_acquire().map(Some),
            Standing::Closed | Standing::Open(_) | Standing::Parked => Ok(None),
        };
        let Ok(_place) = place else {
            return failure::wait(engine, (page, context.trace), Duration::ZERO).await;
        };
        let done = Box::pin(step(&trip)).await;
        if let Some(answered) = trip.answered(&done) {
            breakers::note(engine, &trip.integration, (trip.standing, answered)).await?;
        }
        match done {
            Ok(Outcome::Moved { next, pushes, wait }) => {
                engine.steps.reached(domain::step::Step::PageAfter);
                engine.announce(Priority::Bulk, &pushes, context.trace).await?;
                let context = Context::continuing(context.trace);
                match wait {
                    None => engine.broker.publish(&next, &context).await?,
                    Some(wait) => engine.broker.park(&next, &context, wait).await?,
                }
                Ok(())
            }
            Ok(Outcome::Ended) => Ok(()),
            // Somebody wished it to end while the page was being done, or has done the page.
            Ok(Outcome::Overtaken) => end_if_cancelling(engine, page).await,
            Err(DispatchError::Platform(error)) => failure::put_off(engine, (page, context.trace), &error).await,
            Err(error) => Err(error),
        }
    }
}

async fn step(trip: &Trip<'_>) -> Result<Outcome, DispatchError> {
    match trip.step {
        Step::List(kind) => list::list(trip, kind).await,
        Step::Archived(kind) => archived::ask(trip, kind).await,
        Step::Verify(kind) => verify::verify(trip, kind).await,
        Step::Remove => remove::remove(trip).await,
        Step::Link(kind) => link::link(trip, kind).await,
        Step::Announce(kind) => announce::announce(trip, kind).await,
        Step::Settle => settle::settle(trip).await,
    }
}

async fn end(engine: &Engine, page: &RunPage, state: State) -> Result<(), DispatchError> {
    let mut tx = engine.database.begin(Scope::System).await?;
    runs::end(&mut tx, page, state, None).await?;
    Ok(tx.commit().await?)
}

async fn end_if_cancelling(engine: &Engine, page: &RunPage) -> Result<(), DispatchError> {
    let mut tx = engine.database.begin(Scope::System).await?;
    let run = runs::take_up(&mut tx, page).await?;
    if run.is_some_and(|run| run.state == State::Cancelling) {
        runs::end(&mut tx, page, State::Cancelled, None).await?;
    }
    Ok(tx.commit().await?)
}
