//! Recognising people by their numbers as of where the tenant is, once that was changed. What a number is there is `domain::identity`'s.

use std::collections::BTreeSet;
use std::time::Duration;

use domain::id::RecordId;
use domain::identity::{Identity, Region, Scheme};
use domain::kind::RecordKind;
use domain::record::Record;
use persistence::records::conflicts;
use persistence::records::identities::{self, IdentityKey};
use persistence::records::{guard, store};
use persistence::tenants::{self, Moved};
use persistence::{Scope, Transaction};

use crate::engine::{DispatchError, Engine, Priority, unless_away};
use crate::{beliefs, claims};

/// Records that are looked at in one step. A few times as many identifiers are locked at most, and the server has room for some thousands.
const STEP: u8 = 200;

/// Has what people are recognised by follow the regions of all tenants, step by step. What is left in the middle begins anew.
pub(crate) async fn follow(engine: &Engine) -> Result<(), DispatchError> {
    let mut tx = engine.database.begin(Scope::System).await?;
    let all = tenants::moved(&mut tx, followed(engine.settings.lease)).await?;
    tx.commit().await?;
    for moved in all {
        unless_away(moved.tenant, walk(engine, &moved).await)?;
    }
    Ok(())
}

/// By then everybody reads numbers by the new region, and has ended what was begun by the one before: a batch keeps to the region that
/// it knew when it took its lease.
fn followed(lease: Duration) -> Duration {
    beliefs::KEPT_FOR.saturating_mul(2).saturating_add(lease)
}

/// Walks over everybody whom a tenant knows.
async fn walk(engine: &Engine, moved: &Moved) -> Result<(), DispatchError> {
    let mut after = None;
    while let Some(last) = step(engine, moved, after).await? {
        after = Some(last);
    }
    let mut tx = engine.database.begin(Scope::System).await?;
    tenants::mark_identified(&mut tx, moved).await?;
    Ok(tx.commit().await?)
}

/// Does one step; the last record that was looked at, until there is none, or the tenant has moved on.
async fn step(engine: &Engine, moved: &Moved, after: Option<RecordId>) -> Result<Option<RecordId>, DispatchError> {
    let tenant = moved.tenant;
    let _turn = engine.turns.take(Priority::Bulk, tenant, STEP.into()).await;
    let mut tx = engine.database.begin(Scope::System).await?;
    guard::share(&mut tx, tenant).await?;
    let page = if tenants::region(&mut tx, tenant).await? == Some(moved.region) {
        store::walk(&mut tx, tenant, RecordKind::Contact, after, STEP.into()).await?
    } else {
        Vec::new()
    };
    let others: Vec<&Record> = page.iter().filter(|record| is_other(moved, record)).collect();
    if !others.is_empty() {
        identify(&mut tx, moved, &others).await?;
    }
    tx.commit().await?;
    Ok(page.last().map(|record| record.id))
}

/// Gives records the numbers that they have here, and takes those from them that they had elsewhere: whoever claimed one of these
/// in vain has it from now on. A number that is another's already stays there, which is told.
async fn identify(tx: &mut Transaction, moved: &Moved, others: &[&Record]) -> Result<(), DispatchError> {
    let tenant = moved.tenant;
    let keys: BTreeSet<IdentityKey> = others.iter().flat_map(|record| numbers(moved, record)).collect();
    identities::lock(tx, tenant, &keys).await?;
    let mut ids: BTreeSet<RecordId> = others.iter().map(|record| record.id).collect();
    let claimants = conflicts::claimants(tx, tenant, &ids, Scheme::Phone).await?;
    ids.extend(claimants);
    // As they are now, which is not as they were before they were locked. A number that was not locked is none of theirs by then.
    let mut records = store::lock(tx, tenant, &ids).await?;
    records.retain(|record| number(record, moved.region).is_none_or(|number| keys.contains(&number)));
    let outdated: Vec<_> = records.iter().flat_map(|record| outdated(moved, record)).collect();
    identities::release(tx, tenant, &outdated).await?;
    let conflicts = claims::claim(tx, tenant, moved.region, &records).await?;
    Ok(conflicts::keep(tx, tenant, &conflicts).await?)
}

/// The number that somebody is recognised by in a region.
fn number(record: &Record, region: Region) -> Option<IdentityKey> {
    let identity = Identity::phone(record.fields.value("phone"), region)?;
    Some(IdentityKey { kind: record.kind, identity })
}

/// The numbers that somebody is recognised by here, and was elsewhere.
fn numbers(moved: &Moved, record: &Record) -> impl Iterator<Item = IdentityKey> {
    moved.before.iter().chain([&moved.region]).filter_map(move |region| number(record, *region))
}

/// Whether a record's number is another here than elsewhere; one with its country code is the same everywhere.
fn is_other(moved: &Moved, record: &Record) -> bool {
    let here = number(record, moved.region);
    moved.before.iter().any(|region| number(record, *region) != here)
}

/// The numbers that a record had elsewhere, and has not here.
fn outdated(moved: &Moved, record: &Record) -> Vec<(IdentityKey, RecordId)> {
    let here = number(record, moved.region);
    let elsewhere = moved.before.iter().filter_map(|region| number(record, *region));
    elsewhere.filter(|number| here.as_ref() != Some(number)).map(|number| (number, record.id)).collect()
}
