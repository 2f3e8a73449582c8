//! Asking for what a full walk did not list: an index may lag or lose an object, only a read says that it is gone. Of what only
//! goes out nothing is listed: each object of ours is asked for, and what it shows compared with what was seen.

use std::collections::BTreeSet;

use connectors::connector::Reader;
use domain::kind::RecordKind;
use domain::link::RemoteObject;
use persistence::records::links::{self, Heard};
use persistence::runs::Suspects;
use persistence::{Scope, Transaction, runs};

use super::list::is_news;
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
    let is_compared = !trip.plan.lists.contains(&kind);
    let fields = if is_compared { trip.mappings.of(kind).remote_names() } else { Vec::new() };
    let found = trip.engine.asking(Reader::read(reader, account, kind, &ids, &fields)).await?;
    let (mut asked, mut shown) = (Suspects::default(), Vec::new());
    for (id, object) in ids.into_iter().zip(found) {
        if object.is_some() {
            asked.kept.push(id)
        } else {
            asked.gone.push(id)
        }
        shown.extend(object.filter(|_| is_compared));
    }
    let gone = u64::try_from(asked.gone.len()).unwrap_or_default();
    let mut tx = trip.engine.database.begin(Scope::System).await?;
    let external_ids = differing(trip, kind, &mut tx, &shown).await?;
    let (read, changed) = (shown.len(), external_ids.len());
    let counts = trip.counted(kind, |counts| {
        counts.gone = counts.gone.saturating_add(gone);
        counts.read = counts.read.saturating_add(u64::try_from(read).unwrap_or_default());
        counts.changed = counts.changed.saturating_add(u64::try_from(changed).unwrap_or_default());
    });
    let next = trip.advance(&mut tx, trip.further(None), counts, None).await?;
    if next.is_none() {
        return Ok(Outcome::Overtaken);
    }
    runs::note_suspects(&mut tx, &trip.run, kind, &asked).await?;
    let (tenant, integration) = (trip.integration.tenant_id, trip.integration.id);
    let pushes = links::mark_known_dirty(&mut tx, &Heard { tenant, integration, kind, external_ids }).await?;
    close(tx, next, pushes).await
}

/// Those of the objects that show what was not seen.
async fn differing(
    trip: &Trip<'_>,
    kind: RecordKind,
    tx: &mut Transaction,
    shown: &[RemoteObject],
) -> Result<BTreeSet<String>, DispatchError> {
    let ids: Vec<&str> = shown.iter().map(|object| object.external_id.as_str()).collect();
    let known = links::seen_of(tx, trip.integration.id, kind, &ids).await?;
    Ok(shown.iter().filter(|object| is_news(object, &known)).map(|object| object.external_id.clone()).collect())
}
