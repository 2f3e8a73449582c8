//! Announcing what is owed, a bounded page at a time, on the lane that live changes do not use.

use domain::id::LinkId;
use domain::integration::Direction;
use domain::kind::RecordKind;
use domain::time::Timestamp;
use persistence::Scope;
use persistence::records::links::{self, OwedPage};

use super::trip::{Outcome, Trip, close};
use crate::engine::DispatchError;

/// Links that are announced in one page.
const STEP: usize = 500;

/// Announces one page of links.
pub(super) async fn announce(trip: &Trip<'_>, kind: RecordKind) -> Result<Outcome, DispatchError> {
    // A cursor of another step cannot come here; one that is none begins anew, which announces twice and no more.
    let after: Option<LinkId> = trip.cursor.as_deref().and_then(|cursor| cursor.parse().ok());
    let page = OwedPage {
        kind,
        dirty_only: !trip.direction(kind).is_some_and(Direction::writes),
        since: trip.run.started_at.unwrap_or_else(Timestamp::now),
        after,
        limit: i64::try_from(STEP).unwrap_or(i64::MAX),
    };
    let mut tx = trip.engine.database.begin(Scope::System).await?;
    let owed = links::owed_page(&mut tx, (trip.integration.tenant_id, trip.integration.id), page).await?;
    let position = match owed.last() {
        Some(last) if owed.len() >= STEP => trip.further(Some(last.link_id.to_string())),
        Some(_) | None => trip.beyond(),
    };
    let announced = u64::try_from(owed.len()).unwrap_or_default();
    let counts = trip.counted(kind, |counts| counts.announced = counts.announced.saturating_add(announced));
    let next = trip.advance(&mut tx, position, counts, None).await?;
    close(tx, next, owed).await
}
