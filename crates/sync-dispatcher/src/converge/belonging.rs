//! To whom an object belongs by what the platform says of it, as an order names its customer. Ties that we make are `ties`'.

use std::collections::{BTreeMap, BTreeSet};

use domain::field::{FieldName, FieldValue};
use domain::id::RecordId;
use domain::kind::RecordKind;
use domain::link::{Arrival, RemoteObject};
use domain::message::RecordPush;
use domain::record::{Fields, Merged, Record};
use persistence::Transaction;
use persistence::records::links::{self, Heard};

use super::job::{Job, Seen};
use super::session::Session;
use super::ties::TIED;
use crate::engine::DispatchError;

/// The contacts that a batch's objects name, by the platform's ids.
#[derive(Debug, Default)]
pub(super) struct Owners {
    /// The records of those that we know.
    known: BTreeMap<String, RecordId>,
    /// Those for whom no record stands, though contacts are read from there.
    unknown: BTreeSet<String>,
}

/// Finds them. Contacts that were never heard of are marked for reading; returns what is to be announced for that.
///
/// Nothing waits here for a contact that was not read yet, or is blocked: it is noted whom it names, and it is read again once a
/// record stands for that one.
pub(super) async fn owners(
    session: &Session<'_>,
    tx: &mut Transaction,
    jobs: &[Job],
) -> Result<(Owners, Vec<RecordPush>), DispatchError> {
    let named: BTreeSet<String> = jobs.iter().filter_map(|job| named_by(job).map(str::to_owned)).collect();
    let integration = &session.integration;
    if named.is_empty() || !integration.direction_of(RecordKind::Contact).reads() {
        return Ok((Owners::default(), Vec::new()));
    }
    let known = links::by_external_id(tx, integration.id, RecordKind::Contact, &named).await?;
    // Once only: a customer that is not there, or not ours to know, is not asked for again.
    let new = jobs.iter().filter(|job| job.is_record_new && !job.has_ended()).filter_map(named_by);
    let unheard: BTreeSet<String> = new.filter(|contact| !known.contains_key(*contact)).map(str::to_owned).collect();
    let known: BTreeMap<_, _> =
        known.into_iter().filter_map(|(id, counterpart)| Some((id, counterpart.record?))).collect();
    let unknown = named.into_iter().filter(|id| !known.contains_key(id)).collect();
    let owners = Owners { known, unknown };
    if unheard.is_empty() {
        return Ok((owners, Vec::new()));
    }
    let (tenant, integration, kind) = (integration.tenant_id, integration.id, RecordKind::Contact);
    let pushes = links::mark_dirty(tx, &Heard { tenant, integration, kind, external_ids: unheard }).await?;
    Ok((owners, pushes))
}

/// Marks what named contacts for whom this transaction makes a record: it is read again, and tied. Returns what is to be announced for
/// that.
///
/// Once the record is there, nobody could tell any more that it is new.
pub(super) async fn mark_namers(
    session: &Session<'_>,
    kind: RecordKind,
    tx: &mut Transaction,
    jobs: &[Job],
) -> Result<Vec<RecordPush>, DispatchError> {
    let new = jobs.iter().filter(|job| kind == RecordKind::Contact && job.is_record_new);
    let contacts = new.filter_map(|job| job.leased.state.external_id.clone()).collect();
    Ok(links::mark_namers_dirty(tx, session.integration.id, &contacts).await?)
}

fn named_by(job: &Job) -> Option<&str> {
    match &job.seen {
        Seen::There(object) => object.contact.as_deref(),
        Seen::Unasked | Seen::Missing => None,
    }
}

impl Owners {
    /// Takes into a record to whom its object belongs, where the platform names somebody we know.
    pub(super) fn take(
        &self,
        job: &mut Job,
        record: &mut Record,
        object: &RemoteObject,
        arrival: Arrival<'_>,
    ) -> Merged {
        let named = object.contact.as_deref();
        job.state.note_named(named.filter(|id| self.unknown.contains(*id)));
        let Some((contact, owner)) = named.and_then(|id| Some((id, self.known.get(id)?))) else {
            return Merged::default();
        };
        job.state.sent.insert(TIED.to_owned(), FieldValue::text(contact));
        if record.fields.contact() == Some(*owner) {
            return Merged::default();
        }
        let at = object.modified_at.map_or(arrival.at, |at| at.min(arrival.at));
        // It is there that things are ordered: what it says of whose an order is follows what was believed so far.
        let at = record.fields.get(FieldName::CONTACT).map_or(at, |before| at.max(before.stamp.at.next()));
        let mut change = Fields::default();
        let stamp = arrival.stamp(FieldName::CONTACT, at);
        change.set(FieldName::new(FieldName::CONTACT), FieldValue::text(owner.to_string()), stamp);
        record.fields.merge(&change)
    }
}
