//! Tying remote objects that no record stands for yet to the record they belong to, by our key or by what identifies them.

use std::collections::{BTreeMap, BTreeSet};

use domain::fault::FaultKind;
use domain::id::RecordId;
use domain::identity::{self, Identity};
use domain::kind::RecordKind;
use domain::link::{LinkState, RemoteObject};
use domain::record::{Fields, Record};
use persistence::Transaction;
use persistence::records::identities::{self, IdentityKey};
use persistence::records::{links, store};

use super::failure::block;
use super::job::{Job, Seen};
use super::session::Session;
use crate::engine::DispatchError;

/// What stands in two places of the CRM at once.
const DUPLICATE: &str = "Contact dupliqué : cette personne a déjà une autre fiche sur la plateforme";

/// Gives each job without a record the record that its object belongs to, a new one where nobody knows it.
pub(super) async fn resolve(
    session: &Session<'_>,
    kind: RecordKind,
    tx: &mut Transaction,
    jobs: &mut Vec<Job>,
) -> Result<(), DispatchError> {
    let unknown = |job: &&mut Job| job.record.is_none() && !job.has_ended();
    let mut described: BTreeMap<usize, Vec<Identity>> = BTreeMap::new();
    for (index, job) in jobs.iter_mut().enumerate().filter(|(_, job)| unknown(&job)) {
        if let Seen::There(object) = &job.seen {
            described.insert(index, identities_of(session, kind, object));
        }
    }
    if described.is_empty() {
        return drop_missing(tx, jobs).await;
    }
    let keys = described.values().flatten().map(|identity| IdentityKey { kind, identity: identity.clone() }).collect();
    let tenant = session.integration.tenant_id;
    identities::lock(tx, tenant, &keys).await?;
    let mut named = identities::find(tx, tenant, &keys).await?;
    let candidates = candidates(jobs, &described, &named, kind);
    let known = store::get_many(tx, tenant, &candidates).await?;
    let known: BTreeMap<RecordId, Record> = known.into_iter().map(|record| (record.id, record)).collect();
    let mut taken = links::by_record(tx, session.integration.id, &candidates).await?;
    let mut dropped = Vec::new();
    for (index, identities) in &described {
        let Some(job) = jobs.get_mut(*index) else { continue };
        let id = belongs_to(job, identities, &named, kind).filter(|id| known.contains_key(id));
        if let Some(counterpart) = id.and_then(|id| taken.get(&id)) {
            if counterpart.external_id.is_some() {
                block(job, FaultKind::Conflict, "duplicate_remote", DUPLICATE);
            } else {
                // The record's own link is about to find this object.
                dropped.push(job.leased.push.link_id);
            }
            continue;
        }
        let record = id.and_then(|id| known.get(&id).cloned()).unwrap_or_else(|| Record {
            id: RecordId::new(),
            tenant_id: tenant,
            kind,
            fields: Fields::default(),
            version: 0,
        });
        for identity in identities {
            named.entry(IdentityKey { kind, identity: identity.clone() }).or_insert(record.id);
        }
        taken.insert(
            record.id,
            links::Counterpart {
                push: job.leased.push,
                record: Some(record.id),
                external_id: job.state.external_id.clone(),
            },
        );
        job.record = Some(record);
        // What is there is adopted, as at every first contact.
        job.state = LinkState::default();
    }
    links::drop_unread(tx, &dropped).await?;
    jobs.retain(|job| !dropped.contains(&job.leased.push.link_id));
    drop_missing(tx, jobs).await
}

/// An object that was heard of and is not there any more concerns nobody.
async fn drop_missing(tx: &mut Transaction, jobs: &mut Vec<Job>) -> Result<(), DispatchError> {
    let is_missing = |job: &Job| job.record.is_none() && !job.has_ended() && matches!(job.seen, Seen::Missing);
    let missing: Vec<_> = jobs.iter().filter(|job| is_missing(job)).map(|job| job.leased.push.link_id).collect();
    if !missing.is_empty() {
        links::drop_unread(tx, &missing).await?;
        jobs.retain(|job| !missing.contains(&job.leased.push.link_id));
    }
    Ok(())
}

fn identities_of(session: &Session<'_>, kind: RecordKind, object: &RemoteObject) -> Vec<Identity> {
    let mut content = Fields::default();
    LinkState::default().take_remote(&mut content, &session.mapping(kind), object, session.arrival());
    identity::of_content(kind, &content, session.region)
}

fn belongs_to(
    job: &Job,
    identities: &[Identity],
    named: &BTreeMap<IdentityKey, RecordId>,
    kind: RecordKind,
) -> Option<RecordId> {
    let key = match &job.seen {
        Seen::There(object) => object.key,
        Seen::Unasked | Seen::Missing => None,
    };
    let by_identity = || {
        // Only by the strongest, as for Coccinelle's own events.
        let identity = identities.first()?.clone();
        named.get(&IdentityKey { kind, identity }).copied()
    };
    key.or_else(by_identity)
}

fn candidates(
    jobs: &[Job],
    described: &BTreeMap<usize, Vec<Identity>>,
    named: &BTreeMap<IdentityKey, RecordId>,
    kind: RecordKind,
) -> BTreeSet<RecordId> {
    let job = |index: &usize| jobs.get(*index);
    let found = described.iter().filter_map(|(index, identities)| {
        let job = job(index)?;
        // Both, since a key of a record that was erased falls back to what identifies the person.
        Some([belongs_to(job, identities, named, kind), belongs_to(job, identities, named, kind)])
    });
    found.flatten().flatten().collect()
}
