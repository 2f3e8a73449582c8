//! The records that a message touches: loaded together, changed in memory, saved together.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use domain::event::Event;
use domain::id::{IntegrationId, RecordId, TenantId};
use domain::identity::{self, Identity, Region, Scheme};
use domain::kind::RecordKind;
use domain::link::{Arrival, LinkState};
use domain::message::EventMerge;
use domain::record::{Fields, Record};
use domain::{time::Timestamp, trace::TraceParent};
use persistence::event_acceptances::{self, EventKey};
use persistence::records::conflicts::{self, Conflict};
use persistence::records::identities::{self, IdentityKey};
use persistence::records::{links, store};
use persistence::{PersistenceError, Transaction, integrations};

use crate::beliefs::{Beliefs, Believed};
use crate::targets::Versioned;
use crate::{losses, telling::Kinds};

pub(crate) struct Workset {
    tenant: TenantId,
    accepted_at: Timestamp,
    /// When events that came before were first accepted.
    first_accepted: BTreeMap<EventKey, Timestamp>,
    /// Events that came from the future, and when they were accepted.
    ahead: BTreeMap<EventKey, Timestamp>,
    /// The traces of the requests that spoke of records, where they are of several: of each the last.
    traces: BTreeMap<RecordId, TraceParent>,
    backend: IntegrationId,
    beliefs: Arc<Beliefs>,
    region: Region,
    records: BTreeMap<RecordId, Record>,
    shown: BTreeMap<RecordId, links::BackendLink>,
    subjects: BTreeMap<RecordId, BTreeSet<String>>,
    named: BTreeMap<IdentityKey, RecordId>,
    claims: BTreeMap<IdentityKey, RecordId>,
    conflicts: Vec<Conflict>,
}

fn key(kind: RecordKind, identity: Identity) -> IdentityKey {
    IdentityKey { kind, identity }
}

impl Workset {
    /// Loads what the events may touch, locked against everybody else until the transaction ends.
    pub(crate) async fn load(
        believed: &Believed,
        tx: &mut Transaction,
        message: &EventMerge,
    ) -> Result<Self, PersistenceError> {
        let tenant = message.tenant_id;
        let backend = integrations::backend(tx, tenant).await?;
        let beliefs = believed.of(tx, tenant, backend).await?;
        let region = beliefs.region;
        let keys = message.events.iter().flat_map(|event| keys_of(event, region)).collect();
        identities::lock(tx, tenant, &keys).await?;
        let events: Vec<EventKey> = message.events.iter().map(event_key).collect();
        let first_accepted = event_acceptances::find(tx, tenant, &events).await?;
        let named = identities::find(tx, tenant, &keys).await?;
        let ids: BTreeSet<RecordId> = named.values().copied().collect();
        let mut records = store::lock(tx, tenant, &ids).await?;
        records.iter_mut().for_each(|record| beliefs.rerank(record));
        let shown = links::backend_links(tx, backend, &ids).await?;
        let subjects = identities::subjects_of(tx, tenant, &ids).await?;
        Ok(Self {
            tenant,
            accepted_at: message.accepted_at,
            first_accepted,
            ahead: BTreeMap::new(),
            traces: BTreeMap::new(),
            backend,
            beliefs,
            region,
            records: records.into_iter().map(|record| (record.id, record)).collect(),
            shown,
            subjects,
            named,
            claims: BTreeMap::new(),
            conflicts: Vec::new(),
        })
    }

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
        let arrival = Arrival::new(self.backend, kind, &ranks, at);
        let link = self.shown.entry(id).or_insert_with(|| links::BackendLink {
            record: id,
            kind,
            state: LinkState::default(),
        });
        link.state.external_id.get_or_insert_with(|| event.subject_id.clone());
        if !super::existence::speaks_for_the_record(&mut link.state, event, arrival.at, self.subjects.get(&id)) {
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

    /// The integration that the backend has.
    pub(crate) fn backend(&self) -> IntegrationId {
        self.backend
    }

    /// The traces in which what follows for these records goes on; for the others, the message's own.
    pub(crate) fn traces(&self) -> BTreeMap<RecordId, TraceParent> {
        self.traces.clone()
    }

    /// Writes everything back. Returns what was touched, as it is now, and what of it the backend holds otherwise.
    pub(crate) async fn save(mut self, tx: &mut Transaction) -> Result<(Vec<Versioned>, Kinds), PersistenceError> {
        store::save(tx, &self.records.values().collect::<Vec<_>>()).await?;
        let holders = identities::claim(tx, self.tenant, &self.claims).await?;
        for (key, holder) in holders {
            // Somebody's content brought an identifier that no event of ours named, and was first.
            if let Some(record) = self.claims.get(&key).filter(|record| **record != holder) {
                self.conflicts.push(Conflict::Identity { record: *record, identity: key.identity, holder });
            }
        }
        links::save_backend_links(tx, self.tenant, self.backend, &self.shown.values().collect::<Vec<_>>()).await?;
        conflicts::keep(tx, self.tenant, &self.conflicts).await?;
        event_acceptances::keep(tx, self.tenant, &self.ahead).await?;
        let is_untold = |record: &&Record| match self.shown.get(&record.id) {
            Some(link) => !link.state.untold(&record.fields).is_empty(),
            None => false,
        };
        let untold = self.records.values().filter(is_untold).map(|record| (record.id, record.kind)).collect();
        Ok((self.records.values().map(|record| (record.id, record.kind, record.version)).collect(), untold))
    }
}

fn event_key(event: &Event) -> EventKey {
    EventKey { subject_id: event.subject_id.clone(), event_id: event.event_id.clone() }
}

/// Everything that an event could name a record by.
fn keys_of(event: &Event, region: Region) -> Vec<IdentityKey> {
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
