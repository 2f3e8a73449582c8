//! Giving a record values that somebody decided on: as of now, by Coccinelle itself, so that they travel everywhere.

use std::collections::BTreeSet;

use domain::id::{IntegrationId, RecordId, TenantId};
use domain::identity;
use domain::record::{Fields, Record, Stamp};
use domain::time::Timestamp;
use persistence::records::edits::Values;
use persistence::records::{conflicts, store};
use persistence::{Transaction, integrations, tenants};

use crate::engine::{DispatchError, Engine};
use crate::{claims, losses};

/// Writes the values; returns the record where that changed it.
pub(super) async fn write(
    engine: &Engine,
    tx: &mut Transaction,
    tenant: TenantId,
    (record, values): (RecordId, Values),
) -> Result<Vec<Record>, DispatchError> {
    let locked = store::lock(tx, tenant, &[record].into()).await?;
    let Some(mut record) = locked.into_iter().next() else { return Ok(Vec::new()) };
    let backend = integrations::backend(tx, tenant).await?;
    engine.believed.of(tx, tenant, backend).await?.rerank(&mut record);
    let names: BTreeSet<_> = values.keys().cloned().collect();
    let change = decided(&record.fields, values, backend, tx.now().await?);
    let merged = record.fields.merge(&change);
    if merged.changed.is_empty() {
        return Ok(Vec::new());
    }
    record.version += 1;
    let mut history: Vec<_> = losses::noted(record.id, merged.lost, backend, &names).collect();
    let region = tenants::region(tx, tenant).await?.unwrap_or(identity::HOME);
    store::save(tx, &[&record]).await?;
    history.extend(claims::claim(tx, tenant, region, std::slice::from_ref(&record)).await?);
    conflicts::keep(tx, tenant, &history).await?;
    Ok(vec![record])
}

/// Somebody has decided: that stands against whatever is there, however high it ranks and whatever its clock said.
fn decided(present: &Fields, values: Values, backend: IntegrationId, now: Timestamp) -> Fields {
    let mut change = Fields::default();
    for (field, value) in values {
        let present = present.get(field.as_str()).map(|present| present.stamp);
        let at = present.map_or(now, |present| now.max(present.at.next()));
        let rank = present.map_or(0, |present| present.rank);
        change.set(field, value, Stamp { rank, at, origin: backend });
    }
    change
}
