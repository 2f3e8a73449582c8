//! Giving a record a value back that lost: as of now, by Coccinelle itself, so that it travels everywhere.

use domain::field::FieldName;
use domain::id::TenantId;
use domain::identity;
use domain::record::{Fields, Record, Stamp};
use domain::time::Timestamp;
use persistence::records::conflicts::{self, Kept};
use persistence::records::store;
use persistence::{Transaction, integrations, tenants};

use crate::engine::{DispatchError, Engine};
use crate::{claims, losses};

/// Restores the value; returns the record where that changed it.
pub(super) async fn restore(
    engine: &Engine,
    tx: &mut Transaction,
    tenant: TenantId,
    decided: &Kept,
) -> Result<Vec<Record>, DispatchError> {
    let Some(value) = decided.value().map(|stamped| stamped.value) else { return Ok(Vec::new()) };
    let locked = store::lock(tx, tenant, &[decided.record].into()).await?;
    let Some(mut record) = locked.into_iter().next() else { return Ok(Vec::new()) };
    let backend = integrations::backend(tx, tenant).await?;
    engine.believed.of(tx, tenant, backend).await?.rerank(&mut record);
    let present = record.fields.get(&decided.field).map(|present| present.stamp);
    // Somebody has decided: that stands against whatever is there, however high it ranks and whatever its clock said.
    let at = present.map_or_else(Timestamp::now, |present| Timestamp::now().max(present.at.next()));
    let stamp = Stamp { rank: present.map_or(0, |present| present.rank), at, origin: backend };
    let (field, mut change) = (FieldName::new(&decided.field), Fields::default());
    change.set(field.clone(), value, stamp);
    let merged = record.fields.merge(&change);
    if merged.changed.is_empty() {
        return Ok(Vec::new());
    }
    record.version += 1;
    let mut history: Vec<_> = losses::noted(record.id, merged.lost, backend, &[field].into()).collect();
    let region = tenants::region(tx, tenant).await?.unwrap_or(identity::HOME);
    store::save(tx, &[&record]).await?;
    history.extend(claims::claim(tx, tenant, region, std::slice::from_ref(&record)).await?);
    conflicts::keep(tx, tenant, &history).await?;
    Ok(vec![record])
}
