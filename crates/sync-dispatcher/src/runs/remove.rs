//! Having deletions applied: by the read that every link gets which was heard of. Where they are many, `settle` asks first.

use domain::run::deletions_need_consent;
use persistence::records::links::{self, Heard};
use persistence::{Scope, runs};

use super::trip::{Outcome, Trip, close};
use crate::engine::DispatchError;

/// Deletions that are told in one page.
const STEP: i64 = 500;

/// Marks one page of links whose objects are gone. Where they are so many that somebody has to agree, they are passed over: all else
/// is done before the run waits for an answer. While another run asks, any are, as they may be of those that it asks about: they are
/// found again after the answer.
pub(super) async fn remove(trip: &Trip<'_>) -> Result<Outcome, DispatchError> {
    let mut tx = trip.engine.database.begin(Scope::System).await?;
    let (gone, known) = runs::tally_gone(&mut tx, &trip.run).await?;
    let (tenant, integration) = (trip.integration.tenant_id, trip.integration.id);
    let are_asked_about = gone > 0 && runs::asking(&mut tx, (tenant, integration)).await?.is_some();
    if !trip.run.confirmed && (are_asked_about || deletions_need_consent(gone, known)) {
        tracing::warn!(integration.id = %integration, gone, known, "a run does not delete what somebody has to agree to");
        let next = trip.advance(&mut tx, trip.beyond(), trip.run.counts.clone(), None).await?;
        return close(tx, next, Vec::new()).await;
    }
    let removed = runs::remove(&mut tx, trip.run.id, STEP).await?;
    let position = if removed.is_empty() { trip.beyond() } else { trip.further(None) };
    let next = trip.advance(&mut tx, position, trip.run.counts.clone(), None).await?;
    if next.is_none() {
        return Ok(Outcome::Overtaken);
    }
    let mut pushes = Vec::new();
    for (kind, ids) in removed {
        let external_ids = ids.into_iter().collect();
        pushes.extend(links::mark_known_dirty(&mut tx, &Heard { tenant, integration, kind, external_ids }).await?);
    }
    close(tx, next, pushes).await
}
