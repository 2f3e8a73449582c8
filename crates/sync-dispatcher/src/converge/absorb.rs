//! Taking what the platform shows into the records, and making the other systems owed what is news.

use std::collections::{BTreeMap, BTreeSet};

use domain::field::{FieldName, FieldValue};
use domain::id::{LinkId, RecordId};
use domain::kind::RecordKind;
use domain::link::{Arrival, RemoteObject};
use domain::message::RecordPush;
use domain::outcome::SyncType;
use domain::policy::Vanished;
use domain::record::{Fields, Lost, Merged, Record, Stamp};
use persistence::Transaction;
use persistence::records::conflicts::{self, Conflict};
use persistence::records::{links, links::Ending, store};

use super::belonging::{self, Owners};
use super::{
    changes,
    job::{Job, Seen, Try},
    session::Session,
};
use crate::engine::DispatchError;
use crate::telling::{self, Tidings};
use crate::{claims, losses, targets};

/// Merges what was seen. Returns the links of other systems that are owed something by it, and what is to be said of it.
pub(super) async fn absorb(
    session: &Session<'_>,
    kind: RecordKind,
    tx: &mut Transaction,
    jobs: &mut [Job],
) -> Result<(Vec<RecordPush>, Tidings), DispatchError> {
    super::held::refuse(session, kind, tx, jobs, found).await?;
    let tenant = session.integration.tenant_id;
    let ids: BTreeSet<RecordId> = jobs.iter().filter_map(|job| job.record.as_ref().map(|record| record.id)).collect();
    let locked = store::lock(tx, tenant, &ids).await?;
    let mut current: BTreeMap<RecordId, Record> = locked.into_iter().map(|record| (record.id, record)).collect();
    let (owners, named) = belonging::owners(session, tx, jobs).await?;
    let mut conflicts = Vec::new();
    let (mut changed, mut moved) = (Vec::new(), Vec::new());
    for job in jobs.iter_mut().filter(|job| !job.has_ended()) {
        // As it is now, under the lock, not as it was before the look.
        let Some(mut record) = job.record.clone() else { continue };
        let is_new = match current.remove(&record.id) {
            Some(now) => {
                record = now;
                session.beliefs.rerank(&mut record);
                false
            }
            None if job.is_record_new => true,
            // It became one with another, or was erased, while we looked; so has this link.
            None => {
                job.ending = Some(Ending::Released(None));
                continue;
            }
        };
        let before = record.version;
        if take(session, &owners, job, &mut record, &mut conflicts) || is_new {
            changed.push(record.clone());
        }
        if record.version != before || is_new {
            moved.push((record.id, record.kind, record.version));
        }
        job.record = Some(record);
    }
    if changed.is_empty() {
        return Ok((named, Tidings::default()));
    }
    store::save(tx, &changed.iter().collect::<Vec<_>>()).await?;
    let made = made(jobs);
    if links::attach(tx, &made, session.mapping(kind).version, session.token).await? < made.len() {
        return Err(DispatchError::LeaseLost);
    }
    conflicts.extend(claims::claim(tx, tenant, session.region, &changed).await?);
    conflicts::keep(tx, tenant, &conflicts).await?;
    let versions: Vec<_> = changed.iter().map(|record| (record.id, record.kind, record.version)).collect();
    let news = (moved.as_slice(), &telling::kinds_of(&moved));
    let tidings = Tidings::of(session.engine, tx, (tenant, session.backend), news).await?;
    let wanted = targets::wanted(tx, tenant, &versions).await?;
    // This link learns of its own version when it is settled.
    let others: Vec<_> = wanted.into_iter().filter(|link| link.integration != session.integration.id).collect();
    links::raise(tx, tenant, &others).await?;
    let held: BTreeSet<LinkId> = jobs.iter().map(|job| job.leased.push.link_id).collect();
    let owed = links::owed_of(tx, tenant, &changed.iter().map(|record| record.id).collect::<Vec<_>>()).await?;
    let owed = owed.into_iter().filter(|push| !held.contains(&push.link_id)).chain(named).collect();
    Ok((owed, tidings))
}

/// The links of records that nobody knew before, with these and their versions.
fn made(jobs: &[Job]) -> Vec<(LinkId, RecordId, i64)> {
    let made = jobs.iter().filter(|job| job.is_record_new && job.leased.record.is_none() && !job.has_ended());
    made.filter_map(|job| job.record.as_ref().map(|record| (job.leased.push.link_id, record.id, record.version)))
        .collect()
}

/// The object that a link without one was found to stand for.
fn found(job: &Job) -> Option<String> {
    match &job.seen {
        Seen::There(object) if job.leased.state.external_id.is_none() => Some(object.external_id.clone()),
        Seen::There(_) | Seen::Unasked | Seen::Missing => None,
    }
}

/// Takes what one job saw into its record. Returns whether the record has to be saved.
fn take(
    session: &Session<'_>,
    owners: &Owners,
    job: &mut Job,
    record: &mut Record,
    conflicts: &mut Vec<Conflict>,
) -> bool {
    let (is_adopted, kind) = (job.state.external_id.is_none(), job.leased.kind);
    let knew = job.state.knows(&record.fields, Some(session.mapping(kind)));
    let anew = session.anew(job);
    let merged = match std::mem::take(&mut job.seen) {
        Seen::Unasked => return false,
        Seen::Missing if is_adopted => {
            job.seen = Seen::Missing;
            return false;
        }
        Seen::Missing => {
            job.gone = true;
            if session.vanished(kind) == Vanished::Follow {
                note_existence(session, kind, record, true)
            } else {
                Merged::default()
            }
        }
        Seen::There(object) => {
            let merged = take_object(session, owners, job, record, &object);
            job.seen = Seen::There(object);
            merged
        }
    };
    let is_first = |lost: &Lost| is_adopted || anew.contains(&lost.field);
    let (first, later): (Vec<Lost>, Vec<Lost>) = merged.lost.into_iter().partition(is_first);
    conflicts.extend(losses::adopted(record.id, first));
    conflicts.extend(losses::noted(record.id, later, session.integration.id, &knew));
    if !merged.changed.is_empty() {
        record.version += 1;
    }
    merged.touched
}

fn take_object(
    session: &Session<'_>,
    owners: &Owners,
    job: &mut Job,
    record: &mut Record,
    object: &RemoteObject,
) -> Merged {
    let (is_adopted, kind) = (job.state.external_id.is_none(), job.leased.kind);
    let is_ours = !is_adopted || object.key.is_some_and(|key| job.has_key(key)) || job.is_hinted_at(object);
    match &job.leased.intent {
        Some(intent) if is_ours => job.state.take_up(&intent.fields, object),
        Some(intent) => job.state.recognize(&intent.fields, object),
        None => {}
    }
    let mut back = Merged::default();
    if std::mem::take(&mut job.gone) {
        job.state.relink();
        back = note_existence(session, kind, record, false);
    }
    if !session.engine.settings.compare_with_seen {
        job.state.seen.clear();
    }
    if !session.integration.direction_of(kind).reads() {
        job.state.insist(object);
    }
    let (ranks, anew) = (session.ranks(kind), session.anew(job));
    let arrival = Arrival { anew: &anew, ..session.arrival(kind, ranks) };
    let (before, mapping) = (record.fields.clone(), session.mapping(kind));
    let mut merged = job.state.take_remote(&mut record.fields, mapping, object, arrival);
    if !anew.is_empty() {
        job.state.note_read_by(mapping.version);
    }
    let sync_type = if is_adopted { SyncType::Adopt } else { SyncType::Read };
    // What a workflow has made is told as its write.
    if (is_adopted && job.leased.errand.is_none()) || !merged.changed.is_empty() {
        let response = serde_json::to_value(&object.fields).ok();
        let changes = changes::of_read(&before, &record.fields, &merged.changed);
        job.log(Try { response, changes, ..Try::new(sync_type, 0) });
    }
    let owned = owners.take(job, record, object, arrival);
    merged.touched |= back.touched | owned.touched;
    merged.changed.extend(back.changed.into_iter().chain(owned.changed));
    merged
}

/// A read said that the object is gone, or that it is back: where the platform may tell us, so is the record.
fn note_existence(session: &Session<'_>, kind: RecordKind, record: &mut Record, deleted: bool) -> Merged {
    let mut change = Fields::default();
    if session.integration.direction_of(kind).reads() && record.fields.is_deleted() != deleted {
        let stamp = Stamp { rank: 0, at: session.clock.now(), origin: session.integration.id };
        change.set(FieldName::new(FieldName::DELETED), FieldValue::Bool(deleted), stamp);
    }
    record.fields.merge(&change)
}
