//! Giving records links in integrations that were switched on or changed, and links the newest mapping, step by step.

use domain::id::RecordId;
use domain::integration::Frequency;
use domain::kind::RecordKind;
use domain::message::RecordPush;
use domain::trace::TraceParent;
use persistence::records::links::{self, Stretch, Unlinked};
use persistence::{Scope, integrations};

use super::STEP;
use crate::engine::{DispatchError, Engine, Priority, unless_away};
use crate::targets;
use crate::turns::Turn;

/// Gives every record a link in integrations that were switched on or changed, and every link the newest mapping.
pub(super) async fn link_records(engine: &Engine) -> Result<(), DispatchError> {
    let mut tx = engine.database.begin(Scope::System).await?;
    let unlinked = links::integrations_to_link(&mut tx).await?;
    tx.commit().await?;
    for unlinked in unlinked {
        unless_away(unlinked.tenant, link_all(engine, &unlinked).await)?;
    }
    Ok(())
}

async fn link_all(engine: &Engine, unlinked: &Unlinked) -> Result<(), DispatchError> {
    // What is committed behind a walk is found by the next: only one that finds nothing says that nothing is missing.
    while walk(engine, unlinked).await? {}
    let mut tx = engine.database.begin(Scope::System).await?;
    links::mark_linked(&mut tx, unlinked).await?;
    Ok(tx.commit().await?)
}

/// Walks once over everything of an integration; whether anything was missing.
async fn walk(engine: &Engine, unlinked: &Unlinked) -> Result<bool, DispatchError> {
    let mut was_missing = false;
    while raise(engine, unlinked).await? {
        was_missing = true;
    }
    for kind in RecordKind::ALL {
        let mut after = None;
        loop {
            let (last, linked) = link(engine, unlinked, kind, after).await?;
            was_missing |= linked;
            after = last;
            if after.is_none() {
                break;
            }
        }
    }
    Ok(was_missing)
}

/// Links one step's worth of records of a kind. Returns the last of them, until there is none, and whether a link was missing.
async fn link(
    engine: &Engine,
    unlinked: &Unlinked,
    kind: RecordKind,
    after: Option<RecordId>,
) -> Result<(Option<RecordId>, bool), DispatchError> {
    let (tenant, id) = (unlinked.tenant, unlinked.integration);
    let turn = turn(engine, unlinked).await;
    let mut tx = engine.database.begin(Scope::System).await?;
    let integration = integrations::get(&mut tx, tenant, id).await?;
    let Some(integration) = integration.filter(|integration| targets::takes(integration, kind)) else {
        tx.commit().await?;
        return Ok((None, false));
    };
    let Stretch { last, unlinked } = targets::link(&mut tx, &integration, kind, after, STEP.into()).await?;
    let ids: Vec<RecordId> = unlinked.into_iter().map(|(record, _)| record).collect();
    let owed = links::owed_of(&mut tx, tenant, &ids).await?;
    tx.commit().await?;
    drop(turn);
    announce(engine, owed).await?;
    Ok((last, !ids.is_empty()))
}

/// Raises one step's worth of links that are only read; whether there was any.
async fn raise(engine: &Engine, unlinked: &Unlinked) -> Result<bool, DispatchError> {
    let turn = turn(engine, unlinked).await;
    let mut tx = engine.database.begin(Scope::System).await?;
    let Some(integration) = integrations::get(&mut tx, unlinked.tenant, unlinked.integration).await? else {
        tx.commit().await?;
        return Ok(false);
    };
    let read = targets::raise_read(&mut tx, &integration, STEP.into()).await?;
    tx.commit().await?;
    drop(turn);
    let is_any = !read.is_empty();
    // Where the tenant wants a schedule, what is owed waits for it.
    if integration.frequency == Frequency::Realtime {
        announce(engine, read).await?;
    }
    Ok(is_any)
}

/// Waits for the tenant's turn at one step.
async fn turn(engine: &Engine, unlinked: &Unlinked) -> Turn {
    engine.turns.take(Priority::Bulk, unlinked.tenant, usize::try_from(STEP).unwrap_or(usize::MAX)).await
}

/// Announces as many as are held at once. Lanes that are full fetch the others from the database.
async fn announce(engine: &Engine, mut owed: Vec<RecordPush>) -> Result<(), DispatchError> {
    owed.truncate(engine.settings.bulk_prefetch.into());
    engine.announce(Priority::Bulk, &owed, TraceParent::generate()).await
}
