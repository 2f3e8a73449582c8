//! Waiting until what a run has found and announced is in step, blocked or put off; then the run is done, or asks for what is left.

use domain::run::State;
use persistence::{Scope, runs};

use super::trip::{Outcome, Trip};
use crate::engine::DispatchError;

/// Ends the run, lets it wait for somebody to agree to its deletions, or looks again later.
pub(super) async fn settle(trip: &Trip<'_>) -> Result<Outcome, DispatchError> {
    let mut tx = trip.engine.database.begin(Scope::System).await?;
    // A run that had nothing else to do begins to settle with this very page.
    let is_begun = trip.run.settling_since.is_some();
    if is_begun && !runs::has_pending(&mut tx, &trip.run).await? {
        let has_stopped = runs::await_consent(&mut tx, &trip.page).await?
            || runs::end(&mut tx, &trip.page, State::Done, None).await?;
        if !has_stopped {
            return Ok(Outcome::Overtaken);
        }
        tx.commit().await?;
        return Ok(Outcome::Ended);
    }
    let next = trip.advance(&mut tx, trip.further(None), trip.run.counts.clone(), None).await?;
    let Some(next) = next else { return Ok(Outcome::Overtaken) };
    tx.commit().await?;
    // The broker's shortest wait.
    let wait = trip.engine.schedule.tiers().first().copied().filter(|_| is_begun);
    Ok(Outcome::Moved { next, pushes: Vec::new(), wait })
}
