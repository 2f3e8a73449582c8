//! Giving links to records that have none: from then on they are owed.

use domain::kind::RecordKind;
use persistence::Scope;

use super::trip::{Outcome, Trip, close};
use crate::engine::DispatchError;
use crate::targets;

/// Records that are given links in one page.
const STEP: i64 = 1_000;

/// Links one page of records.
pub(super) async fn link(trip: &Trip<'_>, kind: RecordKind) -> Result<Outcome, DispatchError> {
    let mut tx = trip.engine.database.begin(Scope::System).await?;
    let linked = targets::link(&mut tx, &trip.integration, &[kind], STEP).await?;
    let position = if linked.is_empty() { trip.beyond() } else { trip.further(None) };
    let next = trip.advance(&mut tx, position, trip.run.counts.clone(), None).await?;
    close(tx, next, Vec::new()).await
}
