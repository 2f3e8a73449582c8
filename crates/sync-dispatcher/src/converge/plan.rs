//! Deciding what has to be written: the difference between what the platform should hold and what it was sent.

use std::collections::{BTreeMap, BTreeSet};

use connectors::connector::{Create, Update};
use domain::fault::FaultKind;
use domain::field::{FieldName, FieldValue, RemoteFields};
use domain::id::LinkId;
use domain::kind::RecordKind;
use domain::link::{LinkState, outbound_difference};
use domain::mapping::Mapping;
use domain::record::Record;
use persistence::records::links::{self, Ending, Intention};
use persistence::{Transaction, people};

use super::errands;
use super::failure::block;
use super::job::Job;
use super::session::Session;
use super::ties::{self, Owner, Retie, TIED, Waiting};
use super::vanished;
use crate::engine::DispatchError;

/// What is to be written for one job.
#[derive(Debug)]
pub(super) enum Write {
    Create(Create),
    Update(Update),
    Delete(String),
}

/// What is to be written for a batch.
#[derive(Debug, Default)]
pub(super) struct Plans {
    pub(super) writes: BTreeMap<LinkId, Write>,
    /// Objects that have to be tied to their contacts, or to other ones, by calls of their own.
    pub(super) ties: BTreeMap<LinkId, Retie>,
}

/// Plans the batch's writes, ends jobs that have nothing to write, and sees that the others still hold their links.
pub(super) async fn plan(
    session: &Session<'_>,
    kind: RecordKind,
    tx: &mut Transaction,
    jobs: &mut [Job],
) -> Result<Plans, DispatchError> {
    let mapping = session.mapping(kind);
    let contacts = ties::contacts(session, tx, jobs).await?;
    let deleted = jobs.iter().filter_map(|job| job.record.as_ref()).filter(|record| record.fields.is_deleted());
    let deleted = deleted.map(|record| record.id).collect();
    let erasing = people::waiting(tx, session.integration.tenant_id, &deleted).await?;
    let mut plans = Plans::default();
    for job in jobs.iter_mut().filter(|job| !job.has_ended()) {
        let Some(record) = &job.record else { continue };
        if record.fields.is_deleted() {
            // Whoever revives it means it to be there.
            job.state.relink();
        } else if job.gone {
            vanished::end(session, kind, job);
            continue;
        }
        if let Some(field) = mapping.failing(&record.fields).filter(|_| !record.fields.is_deleted()) {
            let message = format!("Le modèle du champ « {} » ne peut rien faire de cette fiche", field.remote);
            block(job, FaultKind::Invalid, "template_failed", &message);
            continue;
        }
        let link = job.leased.push.link_id;
        let owner = match ties::owner_of(session, record, &contacts) {
            Ok(owner) => owner,
            // What was deleted waits for nobody.
            Err(Waiting) if record.fields.is_deleted() => None,
            Err(Waiting) => {
                job.ending = Some(Ending::WaitsForContact);
                continue;
            }
        };
        let write = write_for(session, job, (record, erasing.contains(&record.id)), mapping, owner.as_ref());
        let retie = match &write {
            Some(Write::Create(create)) => ties::tie_for(session, kind, create),
            Some(Write::Update(_) | Write::Delete(_)) | None => ties::retie_for(session, job, record, owner.as_ref()),
        };
        plans.ties.extend(retie.map(|retie| (link, retie)));
        match write {
            Some(write) => {
                plans.writes.insert(link, write);
            }
            None => job.ending = Some(Ending::InStep),
        }
    }
    errands::judge(session, jobs, &mut plans);
    note_intents(session, tx, jobs, &mut plans).await?;
    Ok(plans)
}

fn write_for(
    session: &Session<'_>,
    job: &Job,
    (record, is_to_be_erased): (&Record, bool),
    mapping: &Mapping,
    owner: Option<&Owner>,
) -> Option<Write> {
    if !session.integration.direction_of(record.kind).writes() {
        return None;
    }
    if record.fields.is_deleted() {
        // One made in Coccinelle is carried on, one made on a platform is not, unless the tenant wishes otherwise. That a
        // person is erased everywhere is wished of this one.
        let stamp = record.fields.get(FieldName::DELETED)?.stamp;
        let is_carried =
            is_to_be_erased || session.beliefs.carry_deletion(record.kind, stamp.origin == session.backend);
        let id = job.state.external_id.clone().filter(|_| !job.gone && is_carried)?;
        return Some(Write::Delete(id));
    }
    let mapped = mapping.forward(&record.fields);
    let mut fields = outbound_difference(&mapped, &job.state.sent);
    if fields.is_empty() {
        return None;
    }
    let together = session.connector.writer().map_or(&[][..], |writer| writer.inseparable(record.kind));
    if together.iter().any(|name| fields.contains_key(*name)) {
        fields.extend(mapped.into_iter().filter(|(name, _)| together.contains(&name.as_str())));
    }
    Some(match job.state.external_id.clone() {
        Some(external_id) => Write::Update(Update { external_id, fields }),
        None => {
            let fields = outbound_difference(&mapping.forward_new(&record.fields), &RemoteFields::new());
            Write::Create(Create { key: record.id, fields, contact: owner.and_then(Owner::to_tie) })
        }
    })
}

/// A write is noted before it is tried, but for a deletion, which may be repeated. Whoever lost its lease by now does neither.
async fn note_intents(
    session: &Session<'_>,
    tx: &mut Transaction,
    jobs: &mut [Job],
    plans: &mut Plans,
) -> Result<(), DispatchError> {
    let mut writes: BTreeMap<LinkId, RemoteFields> = plans.writes.iter().filter_map(intended).collect();
    for (link, retie) in &plans.ties {
        writes.entry(*link).or_default().insert(TIED.to_owned(), retie.possible());
    }
    for job in jobs.iter().filter(|job| is_found(job) && matches!(job.ending, Some(Ending::InStep))) {
        writes.entry(job.leased.push.link_id).or_default();
    }
    let planned: BTreeSet<LinkId> = plans.writes.keys().chain(writes.keys()).copied().collect();
    let mut held = Vec::new();
    if planned.len() > writes.len() {
        // All at once, as everybody locks links in the order of their ids.
        held.extend(links::hold(tx, &planned, session.token).await?);
    }
    if !writes.is_empty() {
        let intentions = jobs.iter().filter_map(|job| {
            let fields = writes.get(&job.leased.push.link_id)?.clone();
            Some((job.leased.push.link_id, intention(job, fields)))
        });
        held.extend(links::intend(tx, &intentions.collect(), session.token).await?);
    }
    for job in jobs.iter_mut().filter(|job| planned.contains(&job.leased.push.link_id)) {
        if held.contains(&job.leased.push.link_id) {
            job.intent_is_open |= writes.contains_key(&job.leased.push.link_id);
        } else {
            plans.writes.remove(&job.leased.push.link_id);
            plans.ties.remove(&job.leased.push.link_id);
            job.ending = Some(Ending::Released(None));
        }
    }
    Ok(())
}

/// What is noted of a write: with it, what its object shows before it, which nobody could tell afterwards.
///
/// So it is of an object that was found and is not its link's yet, even where nothing is to be written: whoever finds it again is still at
/// the first contact, and would take what it showed then for news.
fn intention(job: &Job, fields: RemoteFields) -> Intention {
    let (leased, now) = (&job.leased, &job.state);
    let known = now.external_id.is_some().then(|| match is_found(job) {
        true => LinkState { seen: now.seen.clone(), ..leased.state.clone() },
        false => now.clone(),
    });
    Intention { fields, known, goes_on: is_found(job) && leased.intent.is_some() }
}

/// Whether the object was found by this batch, and is its link's once that is settled.
fn is_found(job: &Job) -> bool {
    job.state.external_id.is_some() && job.leased.state.external_id.is_none()
}

fn intended((link, write): (&LinkId, &Write)) -> Option<(LinkId, RemoteFields)> {
    match write {
        Write::Create(create) => {
            let tie = create.contact.as_ref().map(|contact| (TIED.to_owned(), FieldValue::text(contact.as_str())));
            Some((*link, create.fields.clone().into_iter().chain(tie).collect()))
        }
        Write::Update(update) => Some((*link, update.fields.clone())),
        // A deletion may be repeated.
        Write::Delete(_) => None,
    }
}
