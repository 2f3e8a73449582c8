//! Asking for what a full walk did not list: an index may lag or lose an object, only a read says that it is gone.

use connectors::connector::Reader;
use domain::kind::RecordKind;
use persistence::runs::Suspects;
use persistence::{Scope, runs};

use super::trip::{Outcome, Trip, close};
use crate::engine::DispatchError;

/// Asks for one batch of suspects.
pub(super) async fn verify(trip: &Trip<'_>, kind: RecordKind) -> Result<Outcome, DispatchError> {
    let limit = i64::try_from(trip.connector.descriptor().limits.batch).unwrap_or(i64::MAX);
    let mut tx = trip.engine.database.begin(Scope::System).await?;
    let ids = runs::suspects(&mut tx, &trip.run, kind, limit).await?;
    if ids.is_empty() {
        let next = trip.advance(&mut tx, trip.beyond(), trip.run.counts.clone(), None).await?;
        return close(tx, next, Vec::new()).await;
    }
    // No transaction is open while a platform is called.
    tx.commit().await?;
    let (Some(reader), account) = (trip.connector.reader(), trip.account()?) else { return Ok(Outcome::Ended) };
    let found = trip.engine.asking(Reader::read(reader, account, kind, &ids, &[])).await?;
    let mut asked = Suspects::default();
    for (id, object) in ids.into_iter().zip(found) {
        if object.is_some() { asked.kept.push(id) } else { asked.gone.push(id) }
    }
    let gone = u64::try_from(asked.gone.len()).unwrap_or_default();
    let counts = trip.counted(kind, |counts| counts.gone = counts.gone.saturating_add(gone));
    let mut tx = trip.engine.database.begin(Scope::System).await?;
    let next = trip.advance(&mut tx, trip.further(None), counts, None).await?;
    if next.is_none() {
        return Ok(Outcome::Overtaken);
    }
    runs::note_suspects(&mut tx, &trip.run, kind, &asked).await?;
    close(tx, next, Vec::new()).await
}
