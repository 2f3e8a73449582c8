//! Carrying out what people decided of records: restoring, correcting, joining, erasing. What may be decided is the gateway's
//! to say.

mod erase;
mod join;
mod write;

use domain::field::FieldName;
use domain::id::{ConflictId, LinkId, TenantId};
use domain::message::{Amended, RecordAmend, RecordPush};
use domain::record::Record;
use domain::trace::TraceParent;
use messaging::Context;
use messaging::consumer::Handler;
use persistence::records::conflicts::{self, Decision, Kept};
use persistence::records::links::{self, Selection};
use persistence::records::{edits, guard};
use persistence::{Scope, Transaction, integrations};

use crate::engine::{DispatchError, Engine, Priority, unless_away};
use crate::targets;
use crate::telling::{self, Tidings};

pub(crate) use erase::{erase_due, erase_now};

/// Carries out one decision, unless that was done before.
#[derive(Clone, Debug)]
pub(crate) struct Amend(pub(crate) Engine);

impl Handler<RecordAmend> for Amend {
    type Error = DispatchError;

    async fn handle(&self, message: &RecordAmend, context: &Context) -> Result<(), DispatchError> {
        amend(&self.0, message.tenant_id, message.subject, context.trace).await
    }
}

/// Carries out one decision, and announces what is owed by it.
async fn amend(engine: &Engine, tenant: TenantId, subject: Amended, trace: TraceParent) -> Result<(), DispatchError> {
    let owed = match subject {
        Amended::Conflict(conflict) => settle(engine, tenant, conflict).await?,
        Amended::Erasure(record) => erase::begin(engine, tenant, record).await?,
        Amended::Edit(link) => correct(engine, tenant, link).await?,
    };
    owed.announce(engine, trace).await
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
        (Some(Decision::Restore), _) => restore(engine, &mut tx, tenant, &decided).await?,
        (Some(Decision::Merge), Some(other)) => join::join(engine, &mut tx, tenant, (decided.record, other)).await?,
        (Some(Decision::Merge | Decision::Keep | Decision::KeepApart) | None, _) => Vec::new(),
    };
    conflicts::applied(&mut tx, tenant, conflict).await?;
    let owed = spread(engine, &mut tx, tenant, &changed).await?;
    tx.commit().await?;
    Ok(owed)
}

/// Gives a record the value back that lost.
async fn restore(
    engine: &Engine,
    tx: &mut Transaction,
    tenant: TenantId,
    decided: &Kept,
) -> Result<Vec<Record>, DispatchError> {
    let Some(lost) = decided.value() else { return Ok(Vec::new()) };
    let values = [(FieldName::new(&decided.field), lost.value)].into();
    write::write(engine, tx, tenant, (decided.record, values)).await
}

/// Gives a record that failed the values that somebody asked for, and tries it again with them. Returns what is owed by it.
async fn correct(engine: &Engine, tenant: TenantId, link: LinkId) -> Result<Owed, DispatchError> {
    let mut tx = engine.database.begin(Scope::Tenant(tenant)).await?;
    guard::share(&mut tx, tenant).await?;
    let Some(edit) = edits::take(&mut tx, tenant, link).await? else {
        tx.commit().await?;
        return Ok(Owed::default());
    };
    let changed = write::write(engine, &mut tx, tenant, (edit.record, edit.values)).await?;
    let mut owed = spread(engine, &mut tx, tenant, &changed).await?;
    // No new version unblocks it where the record held the values already, or is not sent by this integration.
    let failed = Selection { link: Some(link), ..Selection::default() };
    owed.pushes.extend(links::replay(&mut tx, (tenant, edit.integration), &failed).await?);
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
    let conflicts = conflicts::unapplied(&mut tx, engine.settings.owed_for_too_long, limit.into()).await?;
    let edits = edits::unapplied(&mut tx, engine.settings.owed_for_too_long, limit.into()).await?;
    tx.commit().await?;
    let conflicts = conflicts.into_iter().map(|(since, tenant, conflict)| (since, tenant, Amended::Conflict(conflict)));
    let edits = edits.into_iter().map(|(since, tenant, link)| (since, tenant, Amended::Edit(link)));
    let mut leftovers: Vec<_> = conflicts.chain(edits).collect();
    // Of two for one field, that stands which somebody wanted last.
    leftovers.sort_by_key(|(since, ..)| *since);
    for (_, tenant, subject) in leftovers {
        unless_away(tenant, amend(engine, tenant, subject, TraceParent::generate()).await)?;
    }
    Ok(())
}
