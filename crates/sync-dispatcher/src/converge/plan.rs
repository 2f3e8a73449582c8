//! Deciding what has to be written: the difference between what the platform should hold and what it was sent.

use std::collections::{BTreeMap, BTreeSet};

use connectors::connector::{Create, Tie, Update};
use domain::field::{FieldName, FieldValue, RemoteFields};
use domain::id::{LinkId, RecordId};
use domain::kind::RecordKind;
use domain::link::outbound_difference;
use domain::mapping::Mapping;
use domain::record::Record;
use persistence::Transaction;
use persistence::records::links::{self, Counterpart, Ending};

use super::job::Job;
use super::session::Session;
use crate::engine::DispatchError;

/// Where `sent` remembers the contact that an object was tied to; no platform has a field of this name.
pub(super) const TIED: &str = "→contact";

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
    /// Adopted objects that have to be tied to their contacts.
    pub(super) ties: BTreeMap<LinkId, Tie>,
}

/// Plans the batch's writes, ends jobs that have nothing to write, and notes the intent of those that create.
pub(super) async fn plan(
    session: &Session<'_>,
    kind: RecordKind,
    tx: &mut Transaction,
    jobs: &mut [Job],
) -> Result<Plans, DispatchError> {
    let mapping = session.mapping(kind);
    let contacts = contacts(session, tx, jobs).await?;
    let mut plans = Plans::default();
    for job in jobs.iter_mut().filter(|job| !job.has_ended()) {
        let Some(record) = &job.record else { continue };
        let link = job.leased.push.link_id;
        let contact = match contact_of(session, record, &contacts) {
            Ok(contact) => contact,
            Err(Waiting) => {
                job.ending = Some(Ending::WaitsForContact);
                continue;
            }
        };
        if let Some(tie) = tie_for(session, job, record, contact.as_ref()) {
            plans.ties.insert(link, tie);
        }
        match write_for(session, job, record, &mapping, contact) {
            Some(write) => {
                plans.writes.insert(link, write);
            }
            None => job.ending = Some(Ending::InStep),
        }
    }
    note_intents(session, tx, jobs, &mut plans).await?;
    Ok(plans)
}

fn write_for(
    session: &Session<'_>,
    job: &Job,
    record: &Record,
    mapping: &Mapping,
    contact: Option<String>,
) -> Option<Write> {
    if !session.integration.direction_of(record.kind).writes() {
        return None;
    }
    if record.fields.is_deleted() {
        // A deletion made on one platform is not carried to another; one made in Coccinelle is.
        let stamp = record.fields.get(FieldName::DELETED)?.stamp;
        let id = job.state.external_id.clone().filter(|_| !job.gone && stamp.origin == session.backend)?;
        return Some(Write::Delete(id));
    }
    let fields = outbound_difference(&mapping.forward(&record.fields), &job.state.sent);
    if fields.is_empty() {
        return None;
    }
    Some(match job.state.external_id.clone() {
        Some(external_id) => Write::Update(Update { external_id, fields }),
        None => {
            let fields = outbound_difference(&mapping.forward_new(&record.fields), &RemoteFields::new());
            Write::Create(Create { key: record.id, fields, contact })
        }
    })
}

/// The tie that an object which is there already lacks; a create brings its own.
fn tie_for(session: &Session<'_>, job: &Job, record: &Record, contact: Option<&String>) -> Option<Tie> {
    let (external_id, contact) = (job.state.external_id.clone()?, contact?.clone());
    let is_tied = job.state.sent.get(TIED) == Some(&FieldValue::text(contact.as_str()));
    let may_write = session.integration.direction_of(record.kind).writes() && !record.fields.is_deleted();
    (may_write && !is_tied).then_some(Tie { external_id, contact })
}

/// The contact that a deal or activity belongs to has to be there first.
struct Waiting;

fn contact_of(
    session: &Session<'_>,
    record: &Record,
    contacts: &BTreeMap<RecordId, Counterpart>,
) -> Result<Option<String>, Waiting> {
    let Some(contact) = record.fields.contact() else { return Ok(None) };
    let counterpart = contacts.get(&contact);
    if counterpart.is_some_and(|counterpart| counterpart.gone) {
        // There is nobody to tie it to any more.
        return Ok(None);
    }
    match counterpart.and_then(|counterpart| counterpart.external_id.clone()) {
        Some(external_id) => Ok(Some(external_id)),
        None if crate::targets::takes(&session.integration, RecordKind::Contact) => Err(Waiting),
        // Contacts do not go there at all; the deal goes alone.
        None => Ok(None),
    }
}

async fn contacts(
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

/// A write is noted before it is tried. Whoever lost its lease by now does not write at all.
async fn note_intents(
    session: &Session<'_>,
    tx: &mut Transaction,
    jobs: &mut [Job],
    plans: &mut Plans,
) -> Result<(), DispatchError> {
    let fields = |(link, write): (&LinkId, &Write)| match write {
        Write::Create(create) => Some((*link, create.fields.clone())),
        Write::Update(update) => Some((*link, update.fields.clone())),
        // A deletion may be repeated.
        Write::Delete(_) => None,
    };
    let writes: BTreeMap<LinkId, RemoteFields> = plans.writes.iter().filter_map(fields).collect();
    if writes.is_empty() {
        return Ok(());
    }
    let held = links::intend(tx, &writes, session.token).await?;
    for job in jobs.iter_mut().filter(|job| writes.contains_key(&job.leased.push.link_id)) {
        if held.contains(&job.leased.push.link_id) {
            job.intent_is_open = true;
        } else {
            plans.writes.remove(&job.leased.push.link_id);
            plans.ties.remove(&job.leased.push.link_id);
            job.ending = Some(Ending::Released(None));
        }
    }
    Ok(())
}
