//! Erasing persons whom the platforms are to delete first. Erasing somebody at once is the gateway's.

use std::time::Duration;

use domain::audit::{Action, Author, Entry};
use domain::field::{FieldName, FieldValue};
use domain::id::{IntegrationId, RecordId, TenantId};
use domain::record::{Record, Stamp};
use domain::time::Timestamp;
use domain::trace::TraceParent;
use persistence::people::erasures::{self, Erasure};
use persistence::people::{self, Pending};
use persistence::records::{guard, links, store};
use persistence::{PersistenceError, Scope, Transaction, audit, integrations};

use super::{Owed, spread};
use crate::engine::{DispatchError, Engine, unless_away};

/// How long a platform that is away, or that nobody connects again, may keep a person from being erased here.
const PATIENCE: Duration = Duration::from_hours(7 * 24);

/// Marks the person, and what belongs to it, as deleted by Coccinelle, and so makes the platforms owed the deletion.
pub(super) async fn begin(engine: &Engine, tenant: TenantId, contact: RecordId) -> Result<Owed, DispatchError> {
    let mut tx = engine.database.begin(Scope::Tenant(tenant)).await?;
    guard::exclude(&mut tx, tenant).await?;
    let backend = integrations::backend(&mut tx, tenant).await?;
    let Some(person) = people::find(&mut tx, tenant, contact).await? else {
        tx.commit().await?;
        return Ok(Owed::default());
    };
    // The message may name a record that became another since.
    let contact = person.contact.id;
    let mut records: Vec<Record> = std::iter::once(person.contact).chain(person.dependents).collect();
    let now = tx.now().await?;
    for record in &mut records {
        delete(record, backend, now);
    }
    let stamp = Stamp { rank: 0, at: now, origin: backend };
    let stand_ins = people::stand_in(&mut tx, tenant, contact, stamp).await?;
    store::save(&mut tx, &records.iter().collect::<Vec<_>>()).await?;
    people::begin(&mut tx, tenant, contact).await?;
    let mut owed = spread(engine, &mut tx, tenant, &records).await?;
    owed.pushes.extend(links::owed_of(&mut tx, tenant, &stand_ins).await?);
    tx.commit().await?;
    Ok(owed)
}

/// A deletion of our own, even of what was deleted elsewhere before: only such a one travels.
fn delete(record: &mut Record, backend: IntegrationId, now: Timestamp) {
    let present = record.fields.get(FieldName::DELETED);
    let at = present.map_or(now, |present| now.max(present.stamp.at.next()));
    let stamp = Stamp { rank: 0, at, origin: backend };
    record.fields.set(FieldName::new(FieldName::DELETED), FieldValue::Bool(true), stamp);
    record.version += 1;
}

/// Begins what nobody has begun, and erases whomever the platforms have deleted, or were asked to for long enough.
pub(crate) async fn erase_due(engine: &Engine, limit: u32) -> Result<(), DispatchError> {
    let mut tx = engine.database.begin(Scope::System).await?;
    let pending = people::pending(&mut tx, PATIENCE, limit.into()).await?;
    tx.commit().await?;
    for Pending { tenant, record, is_due, .. } in pending {
        let done = if is_due { finish(engine, tenant, record).await } else { begin_late(engine, tenant, record).await };
        unless_away(tenant, done)?;
    }
    Ok(())
}

/// Begins what no message names any more.
async fn begin_late(engine: &Engine, tenant: TenantId, contact: RecordId) -> Result<(), DispatchError> {
    begin(engine, tenant, contact).await?.announce(engine, TraceParent::generate()).await
}

/// Erases a person whom a platform was asked to erase, from what we hold alone: what the others hold is the tenant's.
pub(crate) async fn erase_now(
    engine: &Engine,
    tenant: TenantId,
    contact: RecordId,
    author: &Author,
) -> Result<(), DispatchError> {
    let mut tx = engine.database.begin(Scope::Tenant(tenant)).await?;
    guard::exclude(&mut tx, tenant).await?;
    if let Some(person) = people::find(&mut tx, tenant, contact).await? {
        erasures::note(&mut tx, (tenant, person.contact.id), author, false).await?;
    }
    tx.commit().await?;
    finish(engine, tenant, contact).await
}

async fn finish(engine: &Engine, tenant: TenantId, contact: RecordId) -> Result<(), DispatchError> {
    let mut tx = engine.database.begin(Scope::Tenant(tenant)).await?;
    guard::exclude(&mut tx, tenant).await?;
    if let Some(person) = people::find(&mut tx, tenant, contact).await? {
        // While the links still say it.
        let answers = erasures::answers(&mut tx, (tenant, contact)).await?;
        let (mut receipt, _) = engine.accounts.erase(&mut tx, tenant, &person).await?;
        let letters = engine.broker.revise_dead_letters(|letter| person.taken_out_of(letter)).await?;
        receipt.counts.insert("dead_letters", i64::try_from(letters).unwrap_or(i64::MAX));
        erasures::finish(&mut tx, (tenant, contact), &receipt, &answers).await?;
        if let Some(asked) = erasures::of_record(&mut tx, tenant, contact).await? {
            tell(&mut tx, tenant, &asked).await?;
        }
        tracing::info!(tenant.id = %tenant, record.id = %contact, letters, counts = ?receipt.counts, "a person is erased");
    }
    Ok(tx.commit().await?)
}

/// The audit log is told in the name of whoever asked for it.
async fn tell(tx: &mut Transaction, tenant_id: TenantId, asked: &Erasure) -> Result<(), PersistenceError> {
    let target = Some(asked.record.to_string());
    let entry = Entry { tenant_id, author: &asked.author, action: Action::PersonErased, target, changes: Vec::new() };
    audit::record(tx, &entry).await
}
