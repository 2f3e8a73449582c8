//! Listing what is there. A listing says which objects to look at, never what they hold: its index lags, a read does not.

use std::collections::{BTreeMap, BTreeSet};

use connectors::connector::{Changes, Cursor};
use domain::field::{FieldValue, RemoteFields};
use domain::integration::Frequency;
use domain::kind::RecordKind;
use domain::link::RemoteObject;
use domain::run::{Mode, Trigger};
use persistence::records::links::{self, Heard};
use persistence::{PersistenceError, Scope, Transaction, runs};

use super::trip::{Outcome, Trip, close};
use crate::engine::DispatchError;

/// Lists one page, and marks what is news in it for reading, as a webhook would.
pub(super) async fn list(trip: &Trip<'_>, kind: RecordKind) -> Result<Outcome, DispatchError> {
    let (Some(changes), account) = (trip.connector.changes(), trip.account()?) else { return Ok(Outcome::Ended) };
    let is_first = trip.cursor.is_none();
    let from = match &trip.cursor {
        Some(cursor) => Some(Cursor(cursor.clone())),
        None => start(trip, kind).await?,
    };
    let fields = trip.mappings.of(kind).remote_names();
    let page = trip.engine.asking(Changes::list(changes, account, kind, from.clone(), &fields)).await?;
    if page.more {
        page.next.leads_on(from.as_ref())?;
    }
    let listed: BTreeSet<&str> = page.objects.iter().map(|object| object.external_id.as_str()).collect();
    let ids: Vec<&str> = listed.into_iter().collect();

    let engine = trip.engine;
    let mut tx = engine.database.begin(Scope::System).await?;
    let known = links::seen_of(&mut tx, trip.integration.id, kind, &ids).await?;
    let external_ids: BTreeSet<String> =
        page.objects.iter().filter(|object| is_news(object, &known)).map(|object| object.external_id.clone()).collect();
    // Pages overlap, and an object that changes meanwhile is listed again; a walk knows what it has counted.
    let fresh: BTreeSet<String> = if trip.walks(trip.step) {
        runs::note_listed(&mut tx, &trip.run, kind, &ids).await?
    } else {
        ids.iter().map(|id| (*id).to_owned()).collect()
    };
    // Looked at once more, since somebody may have merged it with the other; but it is known, and among the failures.
    let refused = links::refused_of(&mut tx, trip.integration.id, kind, &ids).await?;
    let news: BTreeSet<&String> = fresh.intersection(&external_ids).filter(|id| !refused.contains(*id)).collect();
    let unheard = unheard(trip, &mut tx, kind, (page.objects.as_slice(), &news, &known)).await?;
    let (read, changed) = (fresh.len(), news.len());
    let unknown = news.into_iter().filter(|id| !known.contains_key(*id)).count();
    let counts = trip.counted(kind, |counts| {
        counts.read = counts.read.saturating_add(u64::try_from(read).unwrap_or_default());
        counts.changed = counts.changed.saturating_add(u64::try_from(changed).unwrap_or_default());
        counts.unknown = counts.unknown.saturating_add(u64::try_from(unknown).unwrap_or_default());
        counts.unheard = counts.unheard.saturating_add(u64::try_from(unheard).unwrap_or_default());
        if is_first {
            counts.total = page.total;
        }
    });
    let mark = (!page.more).then(|| (kind, page.next.0.clone()));
    let position = if page.more { trip.further(Some(page.next.0)) } else { trip.beyond() };
    let next = trip.advance(&mut tx, position, counts, mark).await?;
    if next.is_none() {
        return Ok(Outcome::Overtaken);
    }
    let (tenant, integration) = (trip.integration.tenant_id, trip.integration.id);
    let pushes = links::mark_dirty(&mut tx, &Heard { tenant, integration, kind, external_ids }).await?;
    close(tx, next, pushes).await
}

/// Where a listing begins: at the beginning, or at the end of the last completed run's.
async fn start(trip: &Trip<'_>, kind: RecordKind) -> Result<Option<Cursor>, DispatchError> {
    if trip.run.mode == Mode::Full {
        return Ok(None);
    }
    let mut tx = trip.engine.database.begin(Scope::System).await?;
    let mark = runs::last_mark(&mut tx, trip.integration.id, kind).await?;
    tx.commit().await?;
    Ok(mark.map(Cursor))
}

/// How many news of a poll a webhook should have told of long before. What it told of is being read, and what a write of ours
/// made, whose answer was lost, carries our key.
async fn unheard(
    trip: &Trip<'_>,
    tx: &mut Transaction,
    kind: RecordKind,
    (objects, news, known): (&[RemoteObject], &BTreeSet<&String>, &BTreeMap<String, RemoteFields>),
) -> Result<usize, PersistenceError> {
    let is_poll = trip.run.trigger == Trigger::Scheduled && trip.run.mode == Mode::SinceLast;
    if !is_poll || trip.integration.frequency != Frequency::Realtime {
        return Ok(0);
    }
    let before = tx.now().await?.minus(trip.engine.settings.webhook_grace);
    let is_late = |object: &&RemoteObject| {
        let is_others = object.key.is_none() || known.contains_key(&object.external_id);
        is_others && news.contains(&object.external_id) && object.modified_at.is_some_and(|at| at < before)
    };
    let late: BTreeSet<&str> = objects.iter().filter(is_late).map(|object| object.external_id.as_str()).collect();
    let ids: Vec<&str> = late.into_iter().collect();
    let under_way = links::under_way_of(tx, trip.integration.id, kind, &ids).await?;
    Ok(ids.len() - under_way.len())
}

/// Whether an object is not known, or shows what was not seen. What was never seen and is empty says nothing.
pub(super) fn is_news(object: &RemoteObject, known: &BTreeMap<String, RemoteFields>) -> bool {
    let Some(seen) = known.get(&object.external_id) else { return true };
    object.fields.iter().any(|(name, shown)| seen.get(name).unwrap_or(&FieldValue::Null) != shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_seen_already_is_no_news() {
        let fields = |pairs: &[(&str, &str)]| -> RemoteFields {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), FieldValue::text(*value))).collect()
        };
        let known = BTreeMap::from([("1".to_owned(), fields(&[("city", "Lyon"), ("company", "A")]))]);
        let shows = |id: &str, pairs| RemoteObject {
            external_id: id.to_owned(),
            fields: fields(pairs),
            ..RemoteObject::default()
        };
        assert!(!is_news(&shows("1", &[("city", "Lyon"), ("state", "")]), &known));
        assert!(is_news(&shows("1", &[("city", "Paris")]), &known));
        assert!(is_news(&shows("1", &[("company", "")]), &known), "cleared");
        assert!(is_news(&shows("2", &[]), &known), "not known");
    }
}
