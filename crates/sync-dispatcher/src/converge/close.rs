//! Giving the links back with what came of them, and saying what follows: the log, later attempts, dependents.

use std::collections::BTreeSet;
use std::time::Duration;

use domain::fault::FaultKind;
use domain::id::{LinkId, RecordId};
use domain::kind::RecordKind;
use domain::message::RecordPush;
use domain::outcome::SyncOutcome;
use domain::step::Step;
use domain::{time::Timestamp, trace::TraceParent};
use futures_util::future::join_all;
use persistence::records::links::{self, Counterpart, Ending, Settled};
use persistence::records::store;
use persistence::{Scope, Transaction};

use super::job::{Job, Seen};
use super::{held, session::Session};
use crate::engine::DispatchError;
use crate::telling::{Kinds, Tidings};

/// How often settling is begun anew when a platform's delivery names an object at the same moment as we do.
const COLLISIONS: usize = 5;

/// Jobs whose notes are redacted before others have the processor.
const AT_A_TIME: usize = 16;

/// Settles a batch under its lease, then publishes what follows from it.
pub(super) async fn close(session: &Session<'_>, kind: RecordKind, mut jobs: Vec<Job>) -> Result<(), DispatchError> {
    let Settling { settled, freed: mut next, tells } = settle(session, kind, &mut jobs).await?;
    session.engine.steps.reached(Step::LinkSettled);
    let held: BTreeSet<LinkId> = settled.iter().map(|given| given.link).collect();
    jobs.retain(|job| held.contains(&job.leased.push.link_id));
    let is_due = |given: &&Settled| given.is_owed && !given.waits;
    let owed: BTreeSet<LinkId> = settled.iter().filter(is_due).map(|given| given.link).collect();
    next.extend(jobs.iter().filter(|job| is_due_at_once(job, &owed)).map(|job| job.leased.push));
    let later: Vec<_> = jobs.iter().filter_map(|job| comes_back(job, session.clock.now())).collect();
    let later =
        later.into_iter().map(|(push, trace, wait)| session.engine.announce_after(session.priority, push, trace, wait));
    count(&jobs);
    // Together, as none needs another: each would else wait for the confirm of the one before.
    let (told, announced, put_off, logged) = tokio::join!(
        tells.announce(session.engine, session.trace()),
        session.announce(&next),
        join_all(later),
        session.engine.publish_outcomes(jobs.into_iter().flat_map(into_outcomes).collect()),
    );
    told?;
    announced?;
    put_off.into_iter().collect::<Result<Vec<()>, _>>()?;
    logged
}

/// What came of settling.
struct Settling {
    settled: Vec<Settled>,
    /// What waited for contacts that are there now, or belongs to some that are others there now.
    freed: Vec<RecordPush>,
    /// News of the records whose counterparts are others now.
    tells: Tidings,
}

/// Settles the batch.
///
/// A delivery may tell of an object that we have just created before we have noted its id: then both want the same
/// external id, and the next round sees what the delivery left, and takes it over.
async fn settle(session: &Session<'_>, kind: RecordKind, jobs: &mut [Job]) -> Result<Settling, DispatchError> {
    let _turn = session.turn(jobs.len()).await;
    // Before any row is locked: patterns of the tenant's are looked for in all that was sent and answered.
    for some in jobs.chunks_mut(AT_A_TIME) {
        for job in some {
            job.redact(&session.redactor);
        }
        tokio::task::yield_now().await;
    }
    let mut collisions = 0;
    loop {
        match settle_once(session, kind, jobs).await {
            Err(DispatchError::Persistence(error)) if error.is_collision() && collisions < COLLISIONS => {
                collisions += 1;
            }
            settled => return settled,
        }
    }
}

async fn settle_once(session: &Session<'_>, kind: RecordKind, jobs: &mut [Job]) -> Result<Settling, DispatchError> {
    let mapping = session.mapping(kind).version;
    let mut tx = session.engine.database.begin_keeping_plans(Scope::System).await?;
    // A contact and what belongs to it take turns, so that whoever comes second sees what the other has left.
    store::hold(&mut tx, session.integration.tenant_id, &met(kind, jobs)).await?;
    held::refuse(session, kind, &mut tx, jobs, given).await?;
    let backend = (session.integration.tenant_id, session.backend);
    let relinked = (session.integration.id, &relinked(kind, jobs));
    let tells = Tidings::of_links(session.engine, &mut tx, backend, relinked).await?;
    let mut known = links::known_by_now(&mut tx, session.integration.id, &unknown(jobs)).await?;
    known.extend(newly_known(kind, jobs));
    let settlements: Vec<_> = jobs.iter().map(|job| job.settlement(mapping)).collect();
    let settled = links::settle(&mut tx, session.token, &settlements).await?;
    heed_refusals(session, &mut tx, jobs).await?;
    let freed = wake(session, kind, &mut tx, jobs, &known).await?;
    tx.commit().await?;
    Ok(Settling { settled, freed, tells })
}

/// Lets go, or marks for reading, what these contacts' links concern as they are now, and names it: what belongs to them, and what
/// named their objects.
async fn wake(
    session: &Session<'_>,
    kind: RecordKind,
    tx: &mut Transaction,
    jobs: &[Job],
    known: &BTreeSet<String>,
) -> Result<Vec<RecordPush>, DispatchError> {
    let (tenant, integration) = (session.integration.tenant_id, session.integration.id);
    let (waited_for, linked) = (&awaited(jobs) | &unmade(kind, jobs), newly_linked(kind, jobs));
    let found = links::dependents(tx, (tenant, integration), &(&waited_for | &linked), known).await?;
    let mut woken = Vec::new();
    if found.has_dependents {
        woken.extend(links::owed_dependents(tx, integration, &waited_for).await?);
        woken.extend(links::mark_dependents_dirty(tx, integration, &linked).await?);
    }
    woken.extend(missed_meanwhile(session, tx, jobs).await?);
    if found.is_named {
        woken.extend(links::mark_namers_dirty(tx, integration, known).await?);
    }
    Ok(woken)
}

/// The object that a link without one was given by the platform.
fn given(job: &Job) -> Option<String> {
    job.state.external_id.clone().filter(|id| job.leased.state.external_id.as_ref() != Some(id))
}

/// The records that have a counterpart there, or none, otherwise than when the work began.
fn relinked(kind: RecordKind, jobs: &[Job]) -> Kinds {
    let is_other = |job: &&Job| {
        let before = (job.leased.record, &job.leased.state.external_id, job.leased.gone);
        before != (job.record.as_ref().map(|record| record.id), &job.state.external_id, job.gone)
    };
    jobs.iter().filter(is_other).filter_map(|job| Some((job.record.as_ref()?.id, kind))).collect()
}

/// The first refusal of the credentials parks the integration.
async fn heed_refusals(session: &Session<'_>, tx: &mut Transaction, jobs: &[Job]) -> Result<(), DispatchError> {
    let whose = (session.integration.tenant_id, session.integration.id);
    for error in jobs.iter().flat_map(|job| &job.outcomes).filter_map(|outcome| outcome.error.as_ref()) {
        if accounts::park_if_refused(tx, whose, (error.class, &error.message)).await? {
            break;
        }
    }
    Ok(())
}

/// The contacts that had no object before.
fn unmade(kind: RecordKind, jobs: &[Job]) -> BTreeSet<RecordId> {
    let had_none = jobs.iter().filter(|job| kind == RecordKind::Contact && job.leased.state.external_id.is_none());
    had_none.filter_map(|job| job.record.as_ref().map(|record| record.id)).collect()
}

/// The contacts that have another object than before. What went before its contact is tied now, too.
fn newly_linked(kind: RecordKind, jobs: &[Job]) -> BTreeSet<RecordId> {
    let is_new = |job: &&Job| {
        let (before, now) = (&job.leased.state.external_id, &job.state.external_id);
        kind == RecordKind::Contact && now.is_some() && before != now
    };
    jobs.iter().filter(is_new).filter_map(|job| job.record.as_ref().map(|record| record.id)).collect()
}

/// The contacts' objects that turned out to be those of records that were there. What named them before is read again, and tied; what
/// names those of new records is marked where these are made.
fn newly_known(kind: RecordKind, jobs: &[Job]) -> BTreeSet<String> {
    let is_new = |job: &&Job| {
        job.record.is_some() && !job.is_record_new && (job.leased.record.is_none() || given(job).is_some())
    };
    let new = jobs.iter().filter(|_| kind == RecordKind::Contact).filter(is_new);
    new.filter_map(|job| job.state.external_id.clone()).collect()
}

/// The contacts' objects that something which was read here names and for which no record stood then.
fn unknown(jobs: &[Job]) -> BTreeSet<String> {
    let read = jobs.iter().filter(|job| matches!(job.seen, Seen::There(_)));
    read.filter_map(|job| job.state.named().map(str::to_owned)).collect()
}

/// The contacts that get their object here, or none, and those that something here waits for or went there without.
fn met(kind: RecordKind, jobs: &[Job]) -> BTreeSet<RecordId> {
    let is_new = |job: &&Job| job.leased.state.external_id.is_none() || given(job).is_some();
    let new = jobs.iter().filter(|_| kind == RecordKind::Contact).filter(is_new);
    let new = new.filter_map(|job| job.record.as_ref().map(|record| record.id));
    new.chain(awaited(jobs)).chain(missed(jobs)).collect()
}

/// The contacts that something waits for.
fn awaited(jobs: &[Job]) -> BTreeSet<RecordId> {
    contacts_of(jobs, |job| matches!(job.ending, Some(Ending::WaitsForContact)))
}

/// The contacts without whom something new went there.
fn missed(jobs: &[Job]) -> BTreeSet<RecordId> {
    contacts_of(jobs, |job| {
        let is_done = matches!(job.ending, None | Some(Ending::InStep));
        is_done && given(job).is_some() && !job.state.sent.contains_key(super::ties::TIED)
    })
}

fn contacts_of(jobs: &[Job], is_one: fn(&Job) -> bool) -> BTreeSet<RecordId> {
    let some = jobs.iter().filter(|job| is_one(job));
    some.filter_map(|job| job.record.as_ref()?.fields.contact()).collect()
}

/// What went there without a contact that is there by now.
async fn missed_meanwhile(
    session: &Session<'_>,
    tx: &mut Transaction,
    jobs: &[Job],
) -> Result<Vec<RecordPush>, DispatchError> {
    let missed = missed(jobs);
    if missed.is_empty() {
        return Ok(Vec::new());
    }
    let counterparts = links::by_record(tx, session.integration.id, &missed).await?;
    let is_there =
        |(contact, found): (RecordId, Counterpart)| (found.external_id.is_some() && !found.gone).then_some(contact);
    let there: BTreeSet<RecordId> = counterparts.into_iter().filter_map(is_there).collect();
    Ok(links::mark_dependents_dirty(tx, session.integration.id, &there).await?)
}

/// Whether more became owed while the link was held, or it was let go for a look.
fn is_due_at_once(job: &Job, owed: &BTreeSet<LinkId>) -> bool {
    let mut errors = job.outcomes.iter().filter_map(|outcome| outcome.error.as_ref());
    let was_refused = errors.any(|error| error.class == FaultKind::Unauthorized);
    !was_refused && owed.contains(&job.leased.push.link_id)
}

/// What is announced later, and in how long.
fn comes_back(job: &Job, now: Timestamp) -> Option<(RecordPush, TraceParent, Duration)> {
    let wait = match &job.ending {
        Some(Ending::Retry { not_before, .. } | Ending::Released(Some(not_before))) => now.until(*not_before),
        None | Some(Ending::InStep | Ending::Blocked { .. } | Ending::Released(None) | Ending::WaitsForContact) => {
            return None;
        }
    };
    Some((job.leased.push, job.trace, wait))
}

fn into_outcomes(job: Job) -> Vec<(SyncOutcome, TraceParent)> {
    let trace = job.trace;
    job.outcomes.into_iter().map(|outcome| (outcome, trace)).collect()
}

fn count(jobs: &[Job]) {
    for outcome in jobs.iter().flat_map(|job| &job.outcomes) {
        let labels = [("type", outcome.sync_type.as_str()), ("status", outcome.status())];
        metrics::counter!("coccinelle_sync_outcomes_total", &labels).increment(1);
    }
}
