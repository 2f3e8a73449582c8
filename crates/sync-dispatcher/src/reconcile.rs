//! Bringing back what was announced and lost: owed work, pages of runs, outcomes, the inbox, records without links. No queue is trusted.

mod inbox;
mod linking;

use std::time::Duration;

use domain::message::RunPage;
use domain::step::Step;
use domain::trace::TraceParent;
use messaging::Context;
use persistence::records::links;
use persistence::{Scope, event_acceptances, runs, workflows};
use tokio::time::{Interval, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use crate::engine::{DispatchError, Engine, Priority};
use crate::{amend, regions, schedule, telling, told};

/// For how long runs are shown that the clock asked for.
const RUNS_KEPT: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Rows taken in one step.
const STEP: u32 = 1_000;

/// How long an event is remembered whose sender's clock ran ahead; well beyond the time for which anybody repeats a request.
const REMEMBERED: Duration = Duration::from_hours(7 * 24);

/// Reconciles at the set interval until `shutdown`.
pub(crate) async fn run(engine: Engine, shutdown: CancellationToken) {
    let looks = async {
        let mut ticks = ticks(&engine);
        while is_time(&engine, &mut ticks, &shutdown).await {
            look(&engine).await;
        }
    };
    // These take as long as there is much to walk over, or much that was kept, or as the backend takes: what is overdue does not wait
    // for that.
    let walks = repeat(&engine, &shutdown, || walk(&engine));
    let kept = repeat(&engine, &shutdown, || pass_on(&engine));
    let statuses = repeat(&engine, &shutdown, || tell_statuses(&engine));
    // On the heap: together these states would be a large part of a thread's stack.
    tokio::join!(Box::pin(looks), Box::pin(walks), Box::pin(kept), Box::pin(statuses));
}

/// Does again and again what the end does not wait for: what is left in the middle begins anew.
async fn repeat<F: Future<Output = ()>>(engine: &Engine, shutdown: &CancellationToken, work: impl Fn() -> F) {
    let mut ticks = ticks(engine);
    while is_time(engine, &mut ticks, shutdown).await {
        shutdown.run_until_cancelled(work()).await;
    }
}

fn ticks(engine: &Engine) -> Interval {
    let mut ticks = tokio::time::interval(engine.settings.reconcile_every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

/// Waits until it is time again and the broker is there; `false` once all is to end.
async fn is_time(engine: &Engine, ticks: &mut Interval, shutdown: &CancellationToken) -> bool {
    tokio::select! {
        () = shutdown.cancelled() => return false,
        _ = ticks.tick() => {}
    }
    tokio::select! {
        () = shutdown.cancelled() => false,
        // What is marked as announced and was not would wait until it is overdue once more.
        () = engine.broker.connected() => true,
    }
}

async fn see_to_plans(engine: &Engine) -> Result<(), DispatchError> {
    engine.database.keep_plans_once_grown().await?;
    Ok(())
}

/// Looks for what was lost. Each by itself: one that fails does not keep the others from being done.
async fn look(engine: &Engine) {
    for (name, result) in [
        ("see how statements are to be planned", see_to_plans(engine).await),
        ("announce what is overdue", announce_overdue(engine).await),
        ("tell the backend again", telling::announce_overdue(engine, STEP).await),
        ("tell other services how integrations are", telling::proclaim_statuses(engine, STEP).await),
        ("start the runs that are due", start_due(engine).await),
        ("announce silent runs", announce_runs(engine).await),
        ("forget runs", forget_runs(engine).await),
        ("publish outcomes", publish_leftovers(engine).await),
        ("forget events", forget_events(engine).await),
        ("carry out decisions", amend::settle_leftovers(engine, STEP).await),
        ("erase persons", amend::erase_due(engine, STEP).await),
        ("forget old reports", forget_reports(engine).await),
    ] {
        note(name, result);
    }
}

/// Walks over all that tenants have, where something concerns it all; each by itself as well.
async fn walk(engine: &Engine) {
    for (name, result) in [
        ("link records", linking::link_records(engine).await),
        ("recognise people by where their tenant is", regions::follow(engine).await),
        ("tell the backend everything", telling::catch_up(engine, STEP).await),
    ] {
        note(name, result);
    }
}

/// Passes on what was accepted while the broker was away.
async fn pass_on(engine: &Engine) {
    note("empty the inbox", inbox::empty(engine).await);
}

/// Tells the backend how integrations are, one after the other.
async fn tell_statuses(engine: &Engine) {
    note("tell the backend how integrations are", telling::tell_statuses(engine).await);
}

fn note(name: &str, result: Result<(), DispatchError>) {
    if let Err(error) = result {
        tracing::warn!(error = %crate::converge::chain(&error), "the reconciler could not {name}");
    }
}

/// Events that came from the future and were accepted longer ago are forgotten: nobody sends them again.
async fn forget_events(engine: &Engine) -> Result<(), DispatchError> {
    let mut tx = engine.database.begin(Scope::System).await?;
    event_acceptances::forget(&mut tx, REMEMBERED, STEP.into()).await?;
    Ok(tx.commit().await?)
}

async fn announce_overdue(engine: &Engine) -> Result<(), DispatchError> {
    let mut tx = engine.database.begin(Scope::System).await?;
    let overdue = links::overdue(&mut tx, engine.settings.owed_for_too_long, STEP.into(), None).await?;
    tx.commit().await?;
    if overdue.is_empty() {
        return Ok(());
    }
    engine.steps.reached(Step::OverdueFound);
    // A backlog may be long: what happens now must not wait behind it.
    engine.announce(Priority::Bulk, &overdue, TraceParent::generate()).await?;
    engine.steps.reached(Step::OverdueAnnounced);
    Ok(())
}

async fn start_due(engine: &Engine) -> Result<(), DispatchError> {
    let settings = &engine.settings;
    let every = schedule::Every { poll: settings.poll_every, walk: settings.walk_every };
    // A time to come that had its run already would keep all before it from theirs, so nobody's own clock is asked.
    let mut tx = engine.database.begin(Scope::System).await?;
    let now = tx.now().await?;
    tx.commit().await?;
    let started = schedule::start_due(&engine.database, every, now).await?;
    publish_pages(engine, started.iter().map(domain::run::Run::page).collect()).await
}

/// What the clock asked for month by month is of no use to anybody.
async fn forget_runs(engine: &Engine) -> Result<(), DispatchError> {
    let mut tx = engine.database.begin(Scope::System).await?;
    runs::forget(&mut tx, RUNS_KEPT, STEP.into()).await?;
    Ok(tx.commit().await?)
}

async fn announce_runs(engine: &Engine) -> Result<(), DispatchError> {
    let mut tx = engine.database.begin(Scope::System).await?;
    let silent = runs::overdue(&mut tx, engine.settings.owed_for_too_long, STEP.into()).await?;
    tx.commit().await?;
    publish_pages(engine, silent).await
}

async fn publish_pages(engine: &Engine, pages: Vec<RunPage>) -> Result<(), DispatchError> {
    let pages: Vec<_> = pages.into_iter().map(|page| (page, Context::new())).collect();
    engine.broker.publish_all(&pages).await.into_iter().collect::<Result<Vec<()>, _>>()?;
    Ok(())
}

async fn publish_leftovers(engine: &Engine) -> Result<(), DispatchError> {
    // What is in the log and only not forgotten yet is no leftover.
    told::forget(engine).await;
    let mut tx = engine.database.begin(Scope::System).await?;
    let leftovers = links::leftovers(&mut tx, engine.settings.owed_for_too_long, STEP.into()).await?;
    tx.commit().await?;
    let outcomes = leftovers.into_iter().map(|(_, outcome)| (outcome, Context::new().trace));
    engine.publish_outcomes(outcomes.collect()).await
}

async fn forget_reports(engine: &Engine) -> Result<(), DispatchError> {
    let mut tx = engine.database.begin(Scope::System).await?;
    workflows::forget_old(&mut tx).await?;
    Ok(tx.commit().await?)
}
