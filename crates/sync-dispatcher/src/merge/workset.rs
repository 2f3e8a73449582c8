//! The records that a message touches: loaded together, saved together. What changes in memory in between is `events`'s.

mod events;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use domain::id::{IntegrationId, RecordId, TenantId};
use domain::identity::Region;
use domain::message::EventMerge;
use domain::record::Record;
use domain::time::Timestamp;
use domain::trace::TraceParent;
use persistence::event_acceptances::{self, EventKey};
use persistence::records::conflicts::{self, Conflict};
use persistence::records::identities::{self, IdentityKey};
use persistence::records::{links, store};
use persistence::{PersistenceError, Transaction, integrations};

use self::events::{event_key, keys_of};
use crate::beliefs::{Beliefs, Believed};
use crate::targets::Versioned;
use crate::telling::Kinds;

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

impl Workset {
    /// Loads what the events may touch, locked against everybody else until the transaction ends.
    pub(crate) async fn load(
        believed: &Believed,
        tx: &mut Transaction,
        message: &EventMerge,
    ) -> Result<Self, PersistenceError> {
        let tenant = message.tenant_id;
        // Asked for, although what is believed holds it: from when its erasure begins, a tenant has none, and its events are dropped.
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
