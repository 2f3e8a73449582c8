//! Having deletions applied: by the read that every link gets which was heard of. Where they are many, `settle` asks first.

use domain::run::deletions_need_consent;
use persistence::records::links::{self, Heard};
use persistence::{Scope, runs};

use super::trip::{Outcome, Trip, close};
use crate::engine::DispatchError;

/// Deletions that are told in one page.
const STEP: i64 = 500;

/// Marks one page of links whose objects are gone. Where they are so many that somebody has to agree, they are passed over: all else
/// is done before the run waits for an answer.
pub(super) async fn remove(trip: &Trip<'_>) -> Result<Outcome, DispatchError> {
    let mut tx = trip.engine.database.begin(Scope::System).await?;
    let (gone, known) = runs::tally_gone(&mut tx, &trip.run).await?;
    if !trip.run.confirmed && deletions_need_consent(gone, known) {
        tracing::warn!(integration.id = %trip.integration.id, gone, known, "a run does not delete so much without asking");
        let next = trip.advance(&mut tx, trip.beyond(), trip.run.counts.clone(), None).await?;
        return close(tx, next, Vec::new()).await;
    }
    let removed = runs::remove(&mut tx, trip.run.id, STEP).await?;
    let position = if removed.is_empty() { trip.beyond() } else { trip.further(None) };
    let next = trip.advance(&mut tx, position, trip.run.counts.clone(), None).await?;
    if next.is_none() {
        return Ok(Outcome::Overtaken);
    }
    let (tenant, integration) = (trip.integration.tenant_id, trip.integration.id);
    let mut pushes = Vec::new();
    for (kind, ids) in removed {
        let external_ids = ids.into_iter().collect();
        pushes.extend(links::mark_known_dirty(&mut tx, &Heard { tenant, integration, kind, external_ids }).await?);
    }
    close(tx, next, pushes).await
}
