//! Marking what deliveries say has changed: for all of them at once, and counted for each as if it had come alone.

use std::collections::{BTreeMap, BTreeSet};

use connectors::webhook::RemoteChange;
use domain::id::{IntegrationId, LinkId};
use domain::integration::Frequency;
use domain::kind::RecordKind;
use domain::message::RecordPush;
use domain::trace::TraceParent;
use persistence::Transaction;
use persistence::records::links::{self, Heard};

use super::said::Said;
use crate::engine::{DispatchError, Engine};
use crate::suppressing;

/// Links that are to be looked at, each in the trace of the delivery that spoke of it last.
pub(super) type News = BTreeMap<LinkId, (RecordPush, TraceParent)>;

/// Marks what was said, delivery by delivery, and notes there what came of it.
pub(super) async fn mark(
    engine: &Engine,
    tx: &mut Transaction,
    deliveries: &mut [Vec<Said<'_>>],
) -> Result<News, DispatchError> {
    let mut integrations: BTreeMap<IntegrationId, Vec<&mut Said<'_>>> = BTreeMap::new();
    for said in deliveries.iter_mut().flatten() {
        integrations.entry(said.integration.id).or_default().push(said);
    }
    let mut news = News::new();
    // In the order of their ids, and the kinds in theirs: nobody who does the same waits for what is held by who waits for him.
    for said in integrations.values_mut() {
        for kind in RecordKind::ALL {
            mark_kind(engine, tx, kind, said, &mut news).await?;
        }
    }
    Ok(news)
}

/// Marks what was said of one kind to one integration.
async fn mark_kind(
    engine: &Engine,
    tx: &mut Transaction,
    kind: RecordKind,
    deliveries: &mut [&mut Said<'_>],
    news: &mut News,
) -> Result<(), DispatchError> {
    let Some(integration) = deliveries.first().map(|said| said.integration) else { return Ok(()) };
    let named: Vec<Named<'_>> = deliveries.iter().map(|said| Named::of(said.changes, kind)).collect();
    let external_ids: BTreeSet<String> = named.iter().flat_map(Named::all).cloned().collect();
    if external_ids.is_empty() || !integration.direction_of(kind).reads() {
        return Ok(());
    }
    let mut heard = Heard { tenant: integration.tenant_id, integration: integration.id, kind, external_ids };
    suppressing::take_erased_out_of(engine, tx, &mut heard).await?;
    let changed: BTreeSet<String> = named.iter().flat_map(|named| &named.changed).copied().cloned().collect();
    let marked = links::mark_heard(tx, &heard, &changed).await?;
    // What a link named by the time of each delivery: of what nobody knew, a deletion marks nothing.
    let mut known = marked.known;
    for (said, named) in deliveries.iter_mut().zip(&named) {
        said.names_erased |= named.all().any(|id| !heard.external_ids.contains(id));
        known.extend(named.changed.iter().copied().filter(|id| heard.external_ids.contains(*id)).cloned());
        let of_known = named.all().filter(|id| known.contains(*id));
        let pushes: Vec<RecordPush> = of_known.filter_map(|id| marked.pushes.get(id)).copied().collect();
        said.marked += pushes.len();
        // The others are read when their run announces what is owed.
        if integration.frequency == Frequency::Realtime {
            news.extend(pushes.into_iter().map(|push| (push.link_id, (push, said.trace))));
        }
    }
    Ok(())
}

/// The objects of one kind that a delivery names.
struct Named<'a> {
    /// What something was merged into has changed as well.
    changed: BTreeSet<&'a String>,
    /// What is said to be deleted.
    deleted: BTreeSet<&'a String>,
}

impl<'a> Named<'a> {
    fn of(changes: &'a [RemoteChange], kind: RecordKind) -> Self {
        let of_kind = move || changes.iter().filter(move |change| change.kind == kind);
        let named =
            |deleted: bool| of_kind().filter(move |change| change.deleted == deleted).map(|change| &change.external_id);
        let merged = of_kind().filter_map(|change| change.merged_into.as_ref());
        Self { changed: named(false).chain(merged).collect(), deleted: named(true).collect() }
    }

    /// Twice what changed and is deleted.
    fn all(&self) -> impl Iterator<Item = &'a String> {
        self.changed.iter().chain(&self.deleted).copied()
    }
}
