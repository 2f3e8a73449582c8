//! Making one record out of two that turned out to be one person.

use domain::field::{FieldName, FieldValue};
use domain::id::{IntegrationId, RecordId, TenantId};
use domain::identity;
use domain::record::{Record, Stamp};
use persistence::records::links::{self, BackendLink};
use persistence::records::{conflicts, joining, store};
use persistence::{Transaction, integrations, people, tenants};

use crate::engine::{DispatchError, Engine};
use crate::{claims, losses};

/// Joins two records into the one that was there first. Returns what changed by it: that record, and those that belonged to
/// the other.
pub(super) async fn join(
    engine: &Engine,
    tx: &mut Transaction,
    tenant: TenantId,
    (one, other): (RecordId, RecordId),
) -> Result<Vec<Record>, DispatchError> {
    let mut locked = store::lock(tx, tenant, &[one, other].into()).await?;
    // In the order of their ids, which is that of their making.
    let (Some(mut lost), Some(mut survivor), true) = (locked.pop(), locked.pop(), locked.is_empty()) else {
        return Ok(Vec::new());
    };
    let backend = integrations::backend(tx, tenant).await?;
    let beliefs = engine.believed.of(tx, tenant, backend).await?;
    beliefs.rerank(&mut survivor);
    beliefs.rerank(&mut lost);
    let erasing = people::waiting(tx, tenant, &[survivor.id, lost.id].into()).await?;
    let mut history = merge(&mut survivor, &lost, !erasing.is_empty());
    store::save(tx, &[&survivor]).await?;
    let shown = shown(tx, backend, (survivor.id, lost.id)).await?;
    let mut changed = joining::dependents(tx, tenant, lost.id).await?;
    joining::join(tx, tenant, (survivor.id, lost.id)).await?;
    links::save_backend_links(tx, tenant, backend, &shown.iter().collect::<Vec<_>>()).await?;
    let now = tx.now().await?;
    changed.retain_mut(|record| joining::retie(record, survivor.id, backend, now));
    store::save(tx, &changed.iter().collect::<Vec<_>>()).await?;
    let region = tenants::region(tx, tenant).await?.unwrap_or(identity::HOME);
    history.extend(claims::claim(tx, tenant, region, std::slice::from_ref(&survivor)).await?);
    conflicts::keep(tx, tenant, &history).await?;
    changed.push(survivor);
    Ok(changed)
}

/// Field by field as two changes of one record. Only that the person is there is no matter of time: as long as one of them
/// lives, the one that they become does, unless the person is to be erased.
fn merge(survivor: &mut Record, lost: &Record, erasing: bool) -> Vec<conflicts::Conflict> {
    let lives = !(erasing || survivor.fields.is_deleted() && lost.fields.is_deleted());
    let merged = survivor.fields.merge(&lost.fields);
    if let Some(deleted) = survivor.fields.get(FieldName::DELETED).filter(|_| lives && survivor.fields.is_deleted()) {
        let stamp = Stamp { at: deleted.stamp.at.next(), ..deleted.stamp };
        survivor.fields.set(FieldName::new(FieldName::DELETED), FieldValue::Bool(false), stamp);
    }
    survivor.version = survivor.version.max(lost.version) + 1;
    // Somebody has looked at both: what lost is history, and nothing to decide.
    losses::settled(survivor.id, merged.lost).collect()
}

/// What the backend has shown of either, as shown of the one.
async fn shown(
    tx: &mut Transaction,
    backend: IntegrationId,
    (survivor, lost): (RecordId, RecordId),
) -> Result<Option<BackendLink>, DispatchError> {
    let mut links = links::backend_links(tx, backend, &[survivor, lost].into()).await?;
    let (mine, theirs) = (links.remove(&survivor), links.remove(&lost));
    let Some(mut link) = mine.or_else(|| theirs.clone()) else { return Ok(None) };
    if let Some(theirs) = theirs {
        for (name, value) in theirs.state.seen {
            link.state.seen.entry(name).or_insert(value);
        }
        link.state.seen_at = link.state.seen_at.max(theirs.state.seen_at);
    }
    Ok(Some(BackendLink { record: survivor, ..link }))
}
