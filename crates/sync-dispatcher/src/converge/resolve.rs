//! Tying remote objects that no record stands for yet to the record they belong to, by our key or by what identifies them.

use std::collections::{BTreeMap, BTreeSet};

use domain::fault::FaultKind;
use domain::id::{LinkId, RecordId, TenantId};
use domain::identity::{self, Identity};
use domain::kind::RecordKind;
use domain::record::{Fields, Record};
use domain::{link::LinkState, policy::Ranks};
use persistence::Transaction;
use persistence::people::{self, Identifier};
use persistence::records::identities::{self, IdentityKey};
use persistence::records::links::{self, Counterpart};
use persistence::records::{joining, store};

use super::failure::block;
use super::job::{Job, Seen};
use super::session::Session;
use crate::engine::DispatchError;
use crate::suppressing;

/// What stands in two places of the CRM at once.
const DUPLICATE: &str = "Contact dupliqué : cette personne a déjà une autre fiche sur la plateforme";

/// Gives each job without a record the record that its object belongs to, a new one where nobody knows it. Returns the links whose
/// objects these turn out to be: they are to look for them, once more if they did.
pub(super) async fn resolve(
    session: &Session<'_>,
    kind: RecordKind,
    tx: &mut Transaction,
    jobs: &mut Vec<Job>,
) -> Result<Vec<LinkId>, DispatchError> {
    drop_unwanted(session, kind, tx, jobs).await?;
    let described = describe(session, kind, jobs);
    if described.is_empty() {
        return Ok(Vec::new());
    }
    let mut homes = Homes::load(session, kind, tx, &described).await?;
    let (mut dropped, mut woken) = (Vec::new(), Vec::new());
    let erased = erased(session, kind, tx, &described).await?;
    for (index, object) in described {
        let Some(job) = jobs.get_mut(index) else { continue };
        if erased.contains(&index) {
            dropped.push(job.leased.push.link_id);
            continue;
        }
        let home = homes.of(&object);
        match home.and_then(|home| homes.taken.get(&home)) {
            Some(counterpart) if counterpart.external_id.is_some() => {
                block(job, FaultKind::Conflict, "duplicate_remote", DUPLICATE);
            }
            // The record's own link is told to look once more, whatever is done for it just now: who has made this object and not noted
            // it yet has seen nothing of what was changed since, and what was heard of that goes with this link.
            Some(counterpart) => {
                woken.extend(homes.lives(home).then_some(counterpart.push.link_id));
                dropped.push(job.leased.push.link_id);
            }
            None => {
                job.is_record_new = home.is_none();
                job.record = Some(homes.move_in(home, object, job));
                // What is there is adopted, as at every first contact.
                job.state = LinkState::default();
            }
        }
    }
    links::drop_unread(tx, &dropped).await?;
    jobs.retain(|job| !dropped.contains(&job.leased.push.link_id));
    Ok(woken)
}

/// What tells whose an object is.
struct Described {
    /// The platform's id of it.
    external_id: String,
    /// Our key, where a write of ours left it there.
    key: Option<RecordId>,
    /// What identifies the person, the strongest first.
    identities: Vec<Identity>,
}

/// The objects that no record stands for yet, by the place of their jobs.
fn describe(session: &Session<'_>, kind: RecordKind, jobs: &[Job]) -> BTreeMap<usize, Described> {
    let mapping = session.mapping(kind);
    let mut described = BTreeMap::new();
    for (index, job) in jobs.iter().enumerate().filter(|(_, job)| job.record.is_none() && !job.has_ended()) {
        if let Seen::There(object) = &job.seen {
            let mut content = Fields::default();
            let ranks = Ranks::LATEST_WINS;
            let arrival = session.arrival(kind, &ranks);
            LinkState::default().take_remote(&mut content, mapping, object, arrival);
            let identities = identity::of_content(kind, &content, session.region);
            described.insert(index, Described { external_id: object.external_id.clone(), key: object.key, identities });
        }
    }
    described
}

/// The places of objects that stand for erased persons: by their ids, our keys, or what identifies the person best.
async fn erased(
    session: &Session<'_>,
    kind: RecordKind,
    tx: &mut Transaction,
    described: &BTreeMap<usize, Described>,
) -> Result<BTreeSet<usize>, DispatchError> {
    let tenant = session.integration.tenant_id;
    let named = |object: &Described| {
        let known = object.identities.first().map(|identity| Identifier::Known(kind, identity.clone()));
        known.into_iter().chain([suppressing::external(session.integration.id, kind, &object.external_id)])
    };
    let suppressor = session.engine.accounts.suppressor(tx, tenant).await?;
    let suppressed = suppressor.among(tx, &described.values().flat_map(named).collect()).await?;
    let keys = people::are_erased(tx, tenant, &described.values().filter_map(|object| object.key).collect()).await?;
    let is_erased = |object: &Described| {
        named(object).any(|named| suppressed.contains(&named)) || object.key.is_some_and(|key| keys.contains(&key))
    };
    Ok(described.iter().filter(|(_, object)| is_erased(object)).map(|(index, _)| *index).collect())
}

/// The records that objects of one batch may belong to.
struct Homes {
    tenant: TenantId,
    kind: RecordKind,
    named: BTreeMap<IdentityKey, RecordId>,
    known: BTreeMap<RecordId, Record>,
    taken: BTreeMap<RecordId, Counterpart>,
    aliases: BTreeMap<RecordId, RecordId>,
}

impl Homes {
    async fn load(
        session: &Session<'_>,
        kind: RecordKind,
        tx: &mut Transaction,
        described: &BTreeMap<usize, Described>,
    ) -> Result<Self, DispatchError> {
        let tenant = session.integration.tenant_id;
        let identities = described.values().flat_map(|object| &object.identities);
        let keys = identities.map(|identity| IdentityKey { kind, identity: identity.clone() }).collect();
        identities::lock(tx, tenant, &keys).await?;
        let named = identities::find(tx, tenant, &keys).await?;
        let by_key = described.values().filter_map(|object| object.key);
        let by_key: BTreeSet<RecordId> = by_key.collect();
        // A key that we left there may be of a record that has become one with another since.
        let aliases: BTreeMap<RecordId, RecordId> = joining::aliases(tx, tenant, &by_key).await?.into_iter().collect();
        let candidates: BTreeSet<RecordId> =
            by_key.into_iter().chain(aliases.values().copied()).chain(named.values().copied()).collect();
        let records = store::get_many(tx, tenant, &candidates).await?;
        // A key is what stands in the CRM, where anybody may have copied it onto something else.
        let known =
            records.into_iter().filter(|record| record.kind == kind).map(|record| (record.id, record)).collect();
        let taken = links::by_record(tx, session.integration.id, &candidates).await?;
        Ok(Self { tenant, kind, named, known, taken, aliases })
    }

    /// The record that an object belongs to: by our key, else by the strongest identifier alone, as for Coccinelle's own
    /// events.
    fn of(&self, object: &Described) -> Option<RecordId> {
        let by_identity = object
            .identities
            .first()
            .and_then(|identity| self.named.get(&IdentityKey { kind: self.kind, identity: identity.clone() }).copied());
        let key = object.key.map(|key| self.aliases.get(&key).copied().unwrap_or(key));
        [key, by_identity].into_iter().flatten().find(|id| self.known.contains_key(id))
    }

    /// Whether a record is there and not deleted. What is deleted looks for nothing.
    fn lives(&self, home: Option<RecordId>) -> bool {
        home.and_then(|id| self.known.get(&id)).is_some_and(|record| !record.fields.is_deleted())
    }

    /// The record at `home`, or a new one, from now on taken by the job's object.
    fn move_in(&mut self, home: Option<RecordId>, object: Described, job: &Job) -> Record {
        let record = home.and_then(|id| self.known.get(&id).cloned()).unwrap_or_else(|| Record {
            id: RecordId::new(),
            tenant_id: self.tenant,
            kind: self.kind,
            fields: Fields::default(),
            version: 0,
        });
        for identity in object.identities {
            self.named.entry(IdentityKey { kind: self.kind, identity }).or_insert(record.id);
        }
        let external_id = job.state.external_id.clone();
        self.taken.insert(
            record.id,
            Counterpart { push: job.leased.push, record: Some(record.id), external_id, gone: false, is_owed: true },
        );
        self.known.insert(record.id, record.clone());
        record
    }
}

/// An object that was heard of and is not there any more concerns nobody; neither does one of a kind that is no longer read.
async fn drop_unwanted(
    session: &Session<'_>,
    kind: RecordKind,
    tx: &mut Transaction,
    jobs: &mut Vec<Job>,
) -> Result<(), DispatchError> {
    let reads = session.integration.direction_of(kind).reads();
    let is_unwanted =
        |job: &Job| job.record.is_none() && !job.has_ended() && (!reads || matches!(job.seen, Seen::Missing));
    let unwanted: Vec<_> = jobs.iter().filter(|job| is_unwanted(job)).map(|job| job.leased.push.link_id).collect();
    if !unwanted.is_empty() {
        links::drop_unread(tx, &unwanted).await?;
        jobs.retain(|job| !unwanted.contains(&job.leased.push.link_id));
    }
    Ok(())
}
