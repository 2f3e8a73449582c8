//! Bringing links into step: read what changed there, merge it, write what differs, settle. One file a step.

mod absorb;
mod belonging;
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
mod write;

use std::collections::BTreeMap;

use domain::id::{IntegrationId, LinkId, TenantId};
use domain::kind::RecordKind;
use domain::trace::TraceParent;
use persistence::Scope;
use persistence::records::{guard, links};

use crate::engine::{DispatchError, Engine, Priority};
use job::Job;
use session::Session;

pub(crate) use lanes::{Lanes, chain};
pub(crate) use opening::{load_mappings, unusable};

/// Brings links of one integration into step, as far as they are owed and free.
///
/// No transaction is open while the platform is called. What cannot be done now stays owed, or is blocked with its error.
pub(crate) async fn converge(
    engine: &Engine,
    priority: Priority,
    (tenant, integration): (TenantId, IntegrationId),
    links: &BTreeMap<LinkId, TraceParent>,
) -> Result<(), DispatchError> {
    let opened = opening::open(engine, priority, (tenant, integration), links).await?;
    let Some((session, jobs)) = opened else {
        return Ok(());
    };
    let held: Vec<LinkId> = jobs.iter().map(|job| job.leased.push.link_id).collect();
    let converged = converge_kinds(&session, jobs).await;
    if converged.is_err() {
        give_up(&session, &held).await;
    }
    converged
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
async fn give_up(session: &Session<'_>, held: &[LinkId]) {
    let given_up = async {
        let mut tx = session.engine.database.begin(Scope::System).await?;
        links::give_up(&mut tx, held, session.token).await?;
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
    let mut tx = session.engine.database.begin(Scope::System).await?;
    guard::share(&mut tx, session.integration.tenant_id).await?;
    resolve::resolve(session, kind, &mut tx, &mut jobs).await?;
    let (others, tidings) = absorb::absorb(session, kind, &mut tx, &mut jobs).await?;
    let mut plans = plan::plan(session, kind, &mut tx, &mut jobs).await?;
    errands::commission(session, &mut tx, &mut jobs, &plans).await?;
    tx.commit().await?;
    session.announce(&others).await?;
    tidings.announce(session.engine, session.trace()).await?;
    if session.is_by_workflow() {
        hand_over::hand_over(session, &mut jobs, &mut plans).await;
    }
    write::write(session, kind, &mut jobs, plans).await;
    close::close(session, kind, jobs).await
}
