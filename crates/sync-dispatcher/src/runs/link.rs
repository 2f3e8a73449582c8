//! Giving links to records that have none: from then on they are owed.

use domain::id::RecordId;
use domain::kind::RecordKind;
use persistence::Scope;

use super::trip::{Outcome, Trip, close};
use crate::engine::DispatchError;
use crate::targets;

/// Records that are looked at in one page.
const STEP: i64 = 1_000;

/// Links one page of records, in the order of their ids. What is made behind the walk gets its links from whoever makes it.
pub(super) async fn link(trip: &Trip<'_>, kind: RecordKind) -> Result<Outcome, DispatchError> {
    // A cursor that is none begins anew, which gives nothing twice.
    let after: Option<RecordId> = trip.cursor.as_deref().and_then(|cursor| cursor.parse().ok());
    let mut tx = trip.engine.database.begin(Scope::System).await?;
    let linked = targets::link(&mut tx, &trip.integration, kind, after, STEP).await?;
    let position = linked.last.map_or_else(|| trip.beyond(), |last| trip.further(Some(last.to_string())));
    let next = trip.advance(&mut tx, position, trip.run.counts.clone(), None).await?;
    close(tx, next, Vec::new()).await
}
