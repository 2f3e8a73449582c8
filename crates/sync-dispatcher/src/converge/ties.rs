//! The ties of deals and activities to contacts: which of them we made, which is wanted, and how one becomes the other.

use std::collections::{BTreeMap, BTreeSet};

use connectors::connector::{Create, Each, Tie, Writer};
use connectors::error::ConnectorError;
use domain::field::FieldValue;
use domain::id::{LinkId, RecordId};
use domain::kind::RecordKind;
use domain::outcome::SyncType;
use domain::record::Record;
use persistence::Transaction;
use persistence::records::links::{self, Counterpart, Ending};
use tokio::time::Instant;

use super::failure::fail;
use super::job::{Job, Try};
use super::session::Session;
use super::write::{each, elapsed};
use crate::engine::DispatchError;

/// Where `sent` remembers the contact that an object was tied to; no platform has a field of this name. A list says that
/// ties to any of them may stand.
pub(super) const TIED: &str = "→contact";

/// The contact that a deal or activity belongs to has to be there first.
pub(super) struct Waiting;

/// The contact that an object belongs to, as the platform knows it.
pub(super) struct Owner {
    contact: String,
    gone: bool,
}

impl Owner {
    /// The contact that a new object is tied to; nobody where it is deleted there.
    pub(super) fn to_tie(&self) -> Option<String> {
        (!self.gone).then(|| self.contact.clone())
    }
}

/// What is to be done about the ties of an object, beside what its create does.
#[derive(Debug)]
pub(super) struct Retie {
    /// The contact to which it is not tied yet.
    make: Option<String>,
    /// Other contacts that we tied it to, or may have.
    remove: Vec<String>,
    /// The contact to which it is tied in the end.
    contact: Option<String>,
}

impl Retie {
    /// What may stand while it is under way, and after it was broken off.
    pub(super) fn possible(&self) -> FieldValue {
        FieldValue::List(self.contact.iter().chain(&self.remove).cloned().collect())
    }

    fn done(&self) -> FieldValue {
        self.contact.as_deref().map_or(FieldValue::Null, FieldValue::text)
    }
}

/// The owner of a job's record, out of the counterparts of all of the batch's contacts.
///
/// What belongs to a contact of whom nothing goes there, or who is blocked, goes alone: waiting would keep back what the platform
/// takes for what only a person can mend, and the tie follows as soon as the contact is there.
pub(super) fn owner_of(
    session: &Session<'_>,
    record: &Record,
    contacts: &BTreeMap<RecordId, Counterpart>,
) -> Result<Option<Owner>, Waiting> {
    let Some(contact) = record.fields.contact() else { return Ok(None) };
    let counterpart = contacts.get(&contact);
    if let Some((contact, gone)) = counterpart.and_then(|found| Some((found.external_id.clone()?, found.gone))) {
        return Ok(Some(Owner { contact, gone }));
    }
    // Contacts that do not go there at all are not waited for; one that has no link yet is still to be heard of.
    let is_awaited = counterpart.is_none_or(Counterpart::is_awaited);
    if is_awaited && crate::targets::takes(&session.integration, RecordKind::Contact) { Err(Waiting) } else { Ok(None) }
}

/// The counterparts of the contacts that the batch's records belong to.
pub(super) async fn contacts(
    session: &Session<'_>,
    tx: &mut Transaction,
    jobs: &[Job],
) -> Result<BTreeMap<RecordId, Counterpart>, DispatchError> {
    let ids: BTreeSet<RecordId> =
        jobs.iter().filter_map(|job| job.record.as_ref().and_then(|record| record.fields.contact())).collect();
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    Ok(links::by_record(tx, session.integration.id, &ids).await?)
}

/// How the ties of an object that is there already have to change. Only what we made is taken away again: whom people there
/// tied it to besides is their business.
pub(super) fn retie_for(session: &Session<'_>, job: &Job, record: &Record, owner: Option<&Owner>) -> Option<Retie> {
    let owner = owner.filter(|_| job.state.external_id.is_some())?;
    if !session.integration.direction_of(record.kind).writes() || record.fields.is_deleted() {
        return None;
    }
    let is_tied = job.state.sent.get(TIED) == Some(&FieldValue::text(owner.contact.as_str()));
    let contact = owner.to_tie();
    let make = contact.clone().filter(|_| !is_tied);
    let remove: Vec<String> = made(job).into_iter().filter(|contact| *contact != owner.contact).collect();
    (make.is_some() || !remove.is_empty()).then_some(Retie { make, remove, contact })
}

/// The tie of a new object that its create does not make: it follows once the object is there, and may not stand until then.
pub(super) fn tie_for(session: &Session<'_>, kind: RecordKind, create: &Create) -> Option<Retie> {
    let is_born_tied = session.connector.writer().is_none_or(|writer| writer.ties_new(kind));
    let contact = create.contact.clone().filter(|_| !is_born_tied)?;
    Some(Retie { make: Some(contact.clone()), remove: Vec::new(), contact: Some(contact) })
}

/// The contacts that we tied a job's object to, or set out to.
fn made(job: &Job) -> BTreeSet<String> {
    let intended = job.leased.intent.as_ref().and_then(|intent| intent.fields.get(TIED));
    job.state.sent.get(TIED).into_iter().chain(intended).flat_map(named).collect()
}

fn named(value: &FieldValue) -> Vec<String> {
    match value {
        FieldValue::Text(contact) => vec![contact.clone()],
        FieldValue::List(contacts) => contacts.clone(),
        FieldValue::Null | FieldValue::Bool(_) | FieldValue::Number(_) => Vec::new(),
    }
}

/// Remembers the contact that a new object was tied to.
pub(super) fn note_born_tied(job: &mut Job, contact: &str) {
    if job.state.external_id.is_some() {
        job.state.sent.insert(TIED.to_owned(), FieldValue::text(contact));
    }
}

/// Makes the ties that are wanted, then takes away the old ones, so that no object is without its contact in between.
/// An object whose fields could not be written waits with its ties as well.
pub(super) async fn retie(
    session: &Session<'_>,
    kind: RecordKind,
    jobs: &mut BTreeMap<LinkId, &mut Job>,
    mut planned: BTreeMap<LinkId, Retie>,
) {
    let (Some(writer), Ok(account)) = (session.connector.writer(), &session.account) else { return };
    planned.retain(|link, _| is_in_step(jobs, link));
    for (link, retie) in &planned {
        note_tied(jobs, link, retie.possible());
    }
    let making = ties_to(jobs, &planned, |retie| retie.make.as_slice());
    if !making.is_empty() {
        let (ties, started) = (only_ties(&making), Instant::now());
        let answer = session.write(Writer::associate(writer, account, kind, &ties)).await;
        note_failures(session, jobs, &making, (answer, started));
        planned.retain(|link, _| is_in_step(jobs, link));
    }
    let removing = ties_to(jobs, &planned, |retie| retie.remove.as_slice());
    if !removing.is_empty() {
        let (ties, started) = (only_ties(&removing), Instant::now());
        let answer = session.write(Writer::dissociate(writer, account, kind, &ties)).await;
        note_failures(session, jobs, &removing, (answer, started));
        planned.retain(|link, _| is_in_step(jobs, link));
    }
    for (link, retie) in &planned {
        note_tied(jobs, link, retie.done());
    }
}

/// The ties of the objects to these of their contacts.
fn ties_to(
    jobs: &BTreeMap<LinkId, &mut Job>,
    planned: &BTreeMap<LinkId, Retie>,
    contacts: fn(&Retie) -> &[String],
) -> Vec<(LinkId, Tie)> {
    let mut ties = Vec::new();
    for (link, retie) in planned {
        let Some(external_id) = jobs.get(link).and_then(|job| job.state.external_id.as_ref()) else { continue };
        let tie = |contact: &String| Tie { external_id: external_id.clone(), contact: contact.clone() };
        ties.extend(contacts(retie).iter().map(|contact| (*link, tie(contact))));
    }
    ties
}

fn is_in_step(jobs: &BTreeMap<LinkId, &mut Job>, link: &LinkId) -> bool {
    jobs.get(link).is_some_and(|job| matches!(job.ending, Some(Ending::InStep)))
}

fn only_ties(ties: &[(LinkId, Tie)]) -> Vec<Tie> {
    ties.iter().map(|(_, tie)| tie.clone()).collect()
}

fn note_tied(jobs: &mut BTreeMap<LinkId, &mut Job>, link: &LinkId, contacts: FieldValue) {
    let Some(job) = jobs.get_mut(link) else { return };
    if contacts.is_null() {
        job.state.sent.remove(TIED);
    } else {
        job.state.sent.insert(TIED.to_owned(), contacts);
    }
}

/// An object whose ties are not as they should be is not in step, whatever was written of its fields.
fn note_failures(
    session: &Session<'_>,
    jobs: &mut BTreeMap<LinkId, &mut Job>,
    tried: &[(LinkId, Tie)],
    (answer, started): (Result<Each<()>, ConnectorError>, Instant),
) {
    for ((link, _), result) in tried.iter().zip(each(answer, tried.len())) {
        let (Err(error), true) = (result, is_in_step(jobs, link)) else { continue };
        let Some(job) = jobs.get_mut(link) else { continue };
        fail(session, job, &error, Try::new(SyncType::Update, elapsed(started)));
    }
}
