//! Carrying out what people decided of records: restoring, joining, erasing. What may be decided is the gateway's to say.

mod erase;
mod join;
mod restore;

use domain::id::{ConflictId, TenantId};
use domain::message::{Amended, RecordAmend, RecordPush};
use domain::record::Record;
use domain::trace::TraceParent;
use messaging::Context;
use messaging::consumer::Handler;
use persistence::records::conflicts::{self, Decision};
use persistence::records::{guard, links};
use persistence::{Scope, Transaction, integrations};

use crate::engine::{DispatchError, Engine, Priority};
use crate::targets;
use crate::telling::{self, Tidings};

pub(crate) use erase::{erase_due, erase_now};

/// Carries out one decision, unless that was done before.
#[derive(Clone, Debug)]
pub(crate) struct Amend(pub(crate) Engine);

impl Handler<RecordAmend> for Amend {
    type Error = DispatchError;

    async fn handle(&self, message: &RecordAmend, context: &Context) -> Result<(), DispatchError> {
        let owed = match message.subject {
            Amended::Conflict(conflict) => settle(&self.0, message.tenant_id, conflict).await?,
            Amended::Erasure(record) => erase::begin(&self.0, message.tenant_id, record).await?,
        };
        owed.announce(&self.0, context.trace).await
    }
}

/// Brings the records into line with what was decided of a conflict. Returns what is owed by it.
async fn settle(engine: &Engine, tenant: TenantId, conflict: ConflictId) -> Result<Owed, DispatchError> {
    let mut tx = engine.database.begin(Scope::Tenant(tenant)).await?;
    guard::exclude(&mut tx, tenant).await?;
    let Some(decided) = conflicts::take(&mut tx, tenant, conflict).await? else {
        tx.commit().await?;
        return Ok(Owed::default());
    };
    let changed = match (decided.decision, decided.holder) {
        (Some(Decision::Restore), _) => restore::restore(engine, &mut tx, tenant, &decided).await?,
        (Some(Decision::Merge), Some(other)) => join::join(engine, &mut tx, tenant, (decided.record, other)).await?,
        (Some(Decision::Merge | Decision::Keep | Decision::KeepApart) | None, _) => Vec::new(),
    };
    conflicts::applied(&mut tx, tenant, conflict).await?;
    let owed = spread(engine, &mut tx, tenant, &changed).await?;
    tx.commit().await?;
    Ok(owed)
}

/// What a decision makes others owed.
#[derive(Debug, Default)]
struct Owed {
    pushes: Vec<RecordPush>,
    tidings: Tidings,
}

impl Owed {
    async fn announce(&self, engine: &Engine, trace: TraceParent) -> Result<(), DispatchError> {
        engine.announce(Priority::Live, &self.pushes, trace).await?;
        self.tidings.announce(engine, trace).await
    }
}

/// Makes every system owed what changed of these records.
async fn spread(
    engine: &Engine,
    tx: &mut Transaction,
    tenant: TenantId,
    changed: &[Record],
) -> Result<Owed, DispatchError> {
    let versions: Vec<_> = changed.iter().map(|record| (record.id, record.kind, record.version)).collect();
    let backend = integrations::backend(tx, tenant).await?;
    let news = (versions.as_slice(), &telling::kinds_of(&versions));
    let tidings = Tidings::of(engine, tx, (tenant, backend), news).await?;
    let wanted = targets::wanted(tx, tenant, &versions).await?;
    links::raise(tx, tenant, &wanted).await?;
    let pushes = links::owed_of(tx, tenant, &changed.iter().map(|record| record.id).collect::<Vec<_>>()).await?;
    Ok(Owed { pushes, tidings })
}

/// Decisions whose message was lost are carried out all the same.
pub(crate) async fn settle_leftovers(engine: &Engine, limit: u32) -> Result<(), DispatchError> {
    let mut tx = engine.database.begin(Scope::System).await?;
    let found = conflicts::unapplied(&mut tx, engine.settings.owed_for_too_long, limit.into()).await?;
    tx.commit().await?;
    for (tenant, conflict) in found {
        let owed = settle(engine, tenant, conflict).await?;
        owed.announce(engine, TraceParent::generate()).await?;
    }
    Ok(())
}
