//! What the backend is owed and nobody is about to tell: what was announced and lost, and everything, once it is said where it is.

use domain::id::{IntegrationId, TenantId};
use domain::message::BackendTell;
use domain::trace::TraceParent;
use persistence::Scope;
use persistence::records::links;

use crate::engine::{DispatchError, Engine, unless_away};

/// Announces again what was owed for too long, as long as fewer than `limit` announcements wait: those may be the same ones.
pub(crate) async fn announce_overdue(engine: &Engine, limit: u32) -> Result<(), DispatchError> {
    if engine.backend.paused_until().is_some() || !engine.backend.is_known() {
        return Ok(());
    }
    let room = limit.saturating_sub(engine.broker.waiting::<BackendTell>().await.unwrap_or_default());
    if room == 0 {
        return Ok(());
    }
    let mut tx = engine.database.begin(Scope::System).await?;
    let overdue = links::overdue_untold(&mut tx, engine.settings.owed_for_too_long, room.into()).await?;
    tx.commit().await?;
    engine.announce_telling(&overdue, TraceParent::generate()).await
}

/// Makes backends owed whatever they do not know that were never told anything, so many records in one step.
pub(crate) async fn catch_up(engine: &Engine, step: u32) -> Result<(), DispatchError> {
    let mut tx = engine.database.begin(Scope::System).await?;
    if !engine.backend.is_known() {
        // Whoever says later where it is wants it to know what happened until then.
        links::mark_backends(&mut tx, None).await?;
        return Ok(tx.commit().await?);
    }
    let backends = links::backends_to_tell(&mut tx).await?;
    tx.commit().await?;
    for (tenant, backend) in backends {
        unless_away(tenant, owe_everything(engine, (tenant, backend), step).await)?;
    }
    Ok(())
}

/// Makes one backend owed everything of its tenant.
async fn owe_everything(
    engine: &Engine,
    (tenant, backend): (TenantId, IntegrationId),
    step: u32,
) -> Result<(), DispatchError> {
    let mut after = None;
    loop {
        let mut tx = engine.database.begin(Scope::System).await?;
        let records = links::records_after(&mut tx, tenant, after, step.into()).await?;
        let Some((last, _)) = records.last_key_value() else {
            links::mark_backends(&mut tx, Some(&[backend].into())).await?;
            return Ok(tx.commit().await?);
        };
        after = Some(*last);
        let tells = links::note_news(&mut tx, (tenant, backend), &records).await?;
        tx.commit().await?;
        engine.announce_telling(&tells, TraceParent::generate()).await?;
    }
}
