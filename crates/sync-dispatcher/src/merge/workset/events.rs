//! What events make of the records in memory: whom each speaks of, and what of it is news. The database is the workset's.

use domain::event::Event;
use domain::id::RecordId;
use domain::identity::{self, Identity, Region, Scheme};
use domain::kind::RecordKind;
use domain::link::{Arrival, LinkState};
use domain::record::{Fields, Record};
use domain::time::Timestamp;
use persistence::event_acceptances::EventKey;
use persistence::records::conflicts::Conflict;
use persistence::records::identities::IdentityKey;
use persistence::records::links::BackendLink;

use super::Workset;
use crate::losses;
use crate::merge::existence::speaks_for_the_record;

impl Workset {
    /// Merges one event.
    pub(crate) fn apply(&mut self, event: &Event) {
        let kind = event.event_type.kind();
        let contact = event.prospect_id.as_deref().map(|id| self.subject(RecordKind::Contact, id, &[]));
        let content = content_identities(event, self.region);
        let id = self.subject(kind, &event.subject_id, &content);
        let at = self.accepted(event);
        self.traces.extend(event.acceptance.map(|own| (id, own.trace)));
        let Some(record) = self.records.get_mut(&id) else { return };
        let ranks = self.beliefs.ranks(kind, self.backend);
        let arrival = Arrival::new(self.backend, kind, ranks, at);
        let link =
            self.shown.entry(id).or_insert_with(|| BackendLink { record: id, kind, state: LinkState::default() });
        link.state.external_id.get_or_insert_with(|| event.subject_id.clone());
        if !speaks_for_the_record(&mut link.state, event, arrival.at, self.subjects.get(&id)) {
            return;
        }
        let knew = link.state.knows(&record.fields, None);
        let change = link.state.take_event(event, contact, arrival);
        let merged = record.fields.merge(&change);
        record.version += i64::from(!merged.changed.is_empty());
        self.conflicts.extend(losses::noted(id, merged.lost, self.backend, &knew));
        for identity in identity::of_content(kind, &record.fields, self.region) {
            self.claim(key(kind, identity), id);
        }
    }

    /// When an event was accepted, which bounds its time: the first time, if it is sent again.
    ///
    /// By a clock that runs ahead it would else become newer each time, and undo what came in between. An event from the
    /// past has the same time whenever it is sent, so only the others have to be remembered.
    fn accepted(&mut self, event: &Event) -> Timestamp {
        let key = event_key(event);
        let now = event.acceptance.map_or(self.accepted_at, |own| own.at);
        // Also where it shares a message with itself.
        let first = self.first_accepted.get(&key).or_else(|| self.ahead.get(&key));
        let at = first.map_or(now, |first| now.min(*first));
        if event.occurred_at > at {
            self.ahead.insert(key, at);
        }
        at
    }

    /// The record of a subject: by Coccinelle's id; the first time that is seen, by what identifies the person.
    fn subject(&mut self, kind: RecordKind, subject_id: &str, content: &[Identity]) -> RecordId {
        let subject = key(kind, Identity::coccinelle(subject_id));
        if let Some(id) = self.named.get(&subject) {
            return *id;
        }
        let id = self.recognise(kind, content).unwrap_or_else(|| self.create(kind));
        self.claim(subject, id);
        id
    }

    /// By e-mail; else by telephone number, but not somebody who is known by another e-mail: families share numbers.
    fn recognise(&self, kind: RecordKind, content: &[Identity]) -> Option<RecordId> {
        let find = |scheme: Scheme| {
            let identity = content.iter().find(|identity| identity.scheme == scheme)?;
            self.named.get(&key(kind, identity.clone())).copied()
        };
        let has_email = content.iter().any(|identity| identity.scheme == Scheme::Email);
        find(Scheme::Email).or_else(|| {
            let id = find(Scheme::Phone)?;
            let known_email = self.records.get(&id).and_then(|record| Identity::email(record.fields.value("email")));
            (!has_email || known_email.is_none()).then_some(id)
        })
    }

    fn create(&mut self, kind: RecordKind) -> RecordId {
        let id = RecordId::new();
        let record = Record { id, tenant_id: self.tenant, kind, fields: Fields::default(), version: 0 };
        self.records.insert(id, record);
        id
    }

    fn claim(&mut self, key: IdentityKey, record: RecordId) {
        match self.named.get(&key) {
            Some(holder) if *holder == record => {}
            Some(holder) => {
                self.conflicts.push(Conflict::Identity { record, identity: key.identity, holder: *holder });
            }
            None => {
                if key.identity.scheme == Scheme::Coccinelle {
                    self.subjects.entry(record).or_default().insert(key.identity.value.clone());
                }
                self.named.insert(key.clone(), record);
                self.claims.insert(key, record);
            }
        }
    }
}

fn key(kind: RecordKind, identity: Identity) -> IdentityKey {
    IdentityKey { kind, identity }
}

pub(super) fn event_key(event: &Event) -> EventKey {
    EventKey { subject_id: event.subject_id.clone(), event_id: event.event_id.clone() }
}

/// Everything that an event could name a record by.
pub(super) fn keys_of(event: &Event, region: Region) -> Vec<IdentityKey> {
    let kind = event.event_type.kind();
    let contact = event.prospect_id.as_deref().map(|id| key(RecordKind::Contact, Identity::coccinelle(id)));
    let content = content_identities(event, region).into_iter().map(|identity| key(kind, identity));
    let subject = key(kind, Identity::coccinelle(&event.subject_id));
    content.chain(contact).chain([subject]).collect()
}

fn content_identities(event: &Event, region: Region) -> Vec<Identity> {
    match event.event_type.kind() {
        RecordKind::Contact => {
            let email = Identity::email(event.data.get("email"));
            email.into_iter().chain(Identity::phone(event.data.get("phone"), region)).collect()
        }
        RecordKind::Deal | RecordKind::Product | RecordKind::Order | RecordKind::Activity => Vec::new(),
    }
}
