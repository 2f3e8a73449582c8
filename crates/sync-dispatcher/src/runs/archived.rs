//! Asking for what the platform lists as deleted: between two walks this finds deletions that nobody told of. Only a read is believed.

use connectors::connector::{Changes, Cursor, Reader};
use domain::kind::RecordKind;
use persistence::runs::Suspects;
use persistence::{Scope, runs};

use super::trip::{Outcome, Trip, close};
use crate::engine::DispatchError;

/// Asks for those of one page of the list that we hold to be there.
pub(super) async fn ask(trip: &Trip<'_>, kind: RecordKind) -> Result<Outcome, DispatchError> {
    let (Some(changes), Some(reader)) = (trip.connector.changes(), trip.connector.reader()) else {
        return Ok(Outcome::Ended);
    };
    let (account, engine) = (trip.account()?, trip.engine);
    let from = trip.cursor.clone().map(Cursor);
    let page = engine.asking(Changes::list_deleted(changes, account, kind, from.clone())).await?;
    if let Some(next) = &page.next {
        next.leads_on(from.as_ref())?;
    }
    let listed: Vec<&str> = page.ids.iter().map(|(id, _)| id.as_str()).collect();
    let mut tx = engine.database.begin(Scope::System).await?;
    let known = runs::believed_there(&mut tx, &trip.run, kind, &listed).await?;
    // No transaction is open while a platform is called.
    tx.commit().await?;
    let mut asked = Suspects::default();
    let batch = trip.connector.descriptor().limits.batch.max(1);
    for ids in known.chunks(batch) {
        let found = engine.asking(Reader::read(reader, account, kind, ids, &[])).await?;
        for (id, object) in ids.iter().zip(found) {
            if object.is_some() { asked.kept.push(id.clone()) } else { asked.gone.push(id.clone()) }
        }
    }
    let gone = u64::try_from(asked.gone.len()).unwrap_or_default();
    let counts = trip.counted(kind, |counts| counts.gone = counts.gone.saturating_add(gone));
    let position = match page.next {
        Some(next) => trip.further(Some(next.0)),
        None => trip.beyond(),
    };
    let mut tx = engine.database.begin(Scope::System).await?;
    let next = trip.advance(&mut tx, position, counts, None).await?;
    if next.is_none() {
        return Ok(Outcome::Overtaken);
    }
    runs::note_suspects(&mut tx, &trip.run, kind, &asked).await?;
    close(tx, next, Vec::new()).await
}
