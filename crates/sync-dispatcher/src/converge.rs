//! Bringing links into step: read what changed there, merge it, write what differs, settle. One file a step.

mod absorb;
mod anew;
mod belonging;
mod calling;
mod changes;
mod clock;
mod close;
mod errands;
mod failure;
mod hand_over;
mod held;
mod job;
mod lanes;
mod look;
mod opening;
mod plan;
mod request;
mod resolve;
mod session;
mod ties;
mod vanished;
mod write;

use std::collections::BTreeMap;

use domain::id::{IntegrationId, LeaseToken, LinkId, TenantId};
use domain::kind::RecordKind;
use domain::trace::TraceParent;
use persistence::Scope;
use persistence::records::{guard, links};

use crate::engine::{DispatchError, Engine, Priority};
use job::Job;
use opening::Opened;
use session::Session;

pub(crate) use failure::until_room;
pub(crate) use lanes::{Lanes, chain};
pub(crate) use opening::unusable;

/// How often a batch is begun anew that got into somebody else's way.
const COLLISIONS: usize = 3;

/// Brings links of one integration into step, as far as they are owed and free.
///
/// Where somebody else gave a record or an object its link at the same moment, the batch begins anew and sees what was left.
///
/// No transaction is open while the platform is called. What cannot be done now stays owed, or is blocked with its error.
/// Whether anybody could be called at all.
pub(crate) async fn converge(
    engine: &Engine,
    priority: Priority,
    (tenant, integration): (TenantId, IntegrationId),
    links: &BTreeMap<LinkId, TraceParent>,
) -> Result<bool, DispatchError> {
    let mut collisions = 0;
    loop {
        match converge_once(engine, priority, (tenant, integration), links).await {
            Err(DispatchError::Persistence(error)) if error.is_collision() && collisions < COLLISIONS => {
                collisions += 1
            }
            converged => return converged,
        }
    }
}

async fn converge_once(
    engine: &Engine,
    priority: Priority,
    (tenant, integration): (TenantId, IntegrationId),
    links: &BTreeMap<LinkId, TraceParent>,
) -> Result<bool, DispatchError> {
    tracing::trace!("a batch begins");
    let (session, jobs) = match opening::open(engine, priority, (tenant, integration), links).await? {
        Opened::Ready(session, jobs) => (session, jobs),
        Opened::Nothing => return Ok(true),
        Opened::Shut => return Ok(false),
    };
    let held: Vec<LinkId> = jobs.iter().map(|job| job.leased.push.link_id).collect();
    let converged = converge_kinds(&session, jobs).await;
    if converged.is_err() {
        give_up(engine, session.token, &held).await;
    }
    session.watch.conclude(engine, &session.integration, session.account.as_ref().err()).await?;
    converged.map(|()| true)
}

/// A deal needs its contact there first.
async fn converge_kinds(session: &Session<'_>, mut jobs: Vec<Job>) -> Result<(), DispatchError> {
    for kind in RecordKind::ALL {
        let (of_kind, rest) = jobs.into_iter().partition(|job: &Job| job.leased.kind == kind);
        jobs = rest;
        converge_kind(session, kind, of_kind).await?;
    }
    Ok(())
}

/// Frees what a batch that failed still holds, so that nobody waits for its lease to run out.
async fn give_up(engine: &Engine, token: LeaseToken, held: &[LinkId]) {
    let given_up = async {
        let mut tx = engine.database.begin_keeping_plans(Scope::System).await?;
        links::give_up(&mut tx, held, token).await?;
        tx.commit().await
    };
    if let Err(error) = given_up.await {
        tracing::warn!(error = %chain(&error), "leases could not be given up, and run out by themselves");
    }
}

async fn converge_kind(session: &Session<'_>, kind: RecordKind, mut jobs: Vec<Job>) -> Result<(), DispatchError> {
    if jobs.is_empty() {
        return Ok(());
    }
    look::look(session, kind, &mut jobs).await;
    let turn = session.turn(jobs.len()).await;
    let mut tx = session.engine.database.begin_keeping_plans(Scope::System).await?;
    guard::share(&mut tx, session.integration.tenant_id).await?;
    let awaiting = resolve::resolve(session, kind, &mut tx, &mut jobs).await?;
    let (mut next, tidings) = absorb::absorb(session, kind, &mut tx, &mut jobs).await?;
    // After the records are locked, as whoever changes one locks it before its links.
    next.extend(links::mark_unfound_dirty(&mut tx, &awaiting).await?);
    let mut plans = plan::plan(session, kind, &mut tx, &mut jobs).await?;
    errands::commission(session, &mut tx, &mut jobs, &plans).await?;
    // Last, as deliveries lock the links of contacts before those of what belongs to them.
    next.extend(belonging::mark_namers(session, kind, &mut tx, &jobs).await?);
    tx.commit().await?;
    drop(turn);
    let (announced, told) = tokio::join!(session.announce(&next), tidings.announce(session.engine, session.trace()));
    if session.is_by_workflow() {
        hand_over::hand_over(session, &mut jobs, &mut plans).await;
    }
    write::write(session, kind, &mut jobs, plans).await;
    close::close(session, kind, jobs).await?;
    // Only now: of a write that is noted and not begun, nobody could tell whether what is there came of it.
    announced.and(told)
}
