//! How many objects a mapping would change, counted over what is linked, up to a bound.

use domain::integration::Integration;
use domain::kind::RecordKind;
use domain::link::outbound_difference;
use domain::mapping::Mapping;
use persistence::Transaction;
use persistence::records::links::{self, Sent};
use runtime::http::Problem;

/// Objects that are looked at to count what would change.
const LOOKED_AT: usize = 20_000;

/// Objects read at once.
const STEP: i64 = 500;

/// What was counted.
#[derive(Debug, Default)]
pub(super) struct Counted {
    /// So many objects would be written to.
    pub(super) would_change: usize,
    /// So many were looked at.
    pub(super) looked_at: usize,
}

impl Counted {
    /// Whether there may be more than were looked at.
    pub(super) fn is_lower_bound(&self) -> bool {
        self.looked_at >= LOOKED_AT
    }
}

/// Counts the objects that `draft` would write to otherwise than `current` does.
pub(super) async fn count(
    tx: &mut Transaction,
    integration: &Integration,
    kind: RecordKind,
    (current, draft): (&Mapping, &Mapping),
) -> Result<Counted, Problem> {
    let whose = (integration.tenant_id, integration.id);
    let (mut counted, mut after) = (Counted::default(), String::new());
    while counted.looked_at < LOOKED_AT {
        let page = links::sent_after(tx, whose, kind, &after, STEP).await?;
        let Some(last) = page.last() else { break };
        after.clone_from(&last.external_id);
        counted.looked_at += page.len();
        counted.would_change += page.into_iter().filter(|object| is_changed(object, current, draft)).count();
    }
    Ok(counted)
}

/// Whether the platform would hold something else than it does once everything is in step now.
fn is_changed(object: &Sent, current: &Mapping, draft: &Mapping) -> bool {
    if object.fields.is_deleted() {
        return false;
    }
    let mut held = object.sent.clone();
    held.extend(current.forward(&object.fields));
    !outbound_difference(&draft.forward(&object.fields), &held).is_empty()
}
