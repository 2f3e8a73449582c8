//! Whether an event's subject speaks for the whole person, of whom Coccinelle may know several.

use std::collections::BTreeSet;

use domain::event::Event;
use domain::field::FieldValue;
use domain::link::LinkState;
use domain::time::Timestamp;

/// Whether an event is about the whole record. Deleting one of the subjects of a person who was created twice is not, as
/// long as another one lives; which of them are deleted, and since when, is remembered on the backend's link.
pub(super) fn speaks_for_the_record(
    backend: &mut LinkState,
    event: &Event,
    accepted_at: Timestamp,
    subjects: Option<&BTreeSet<String>>,
) -> bool {
    let mark = |subject: &str| format!("†{subject}");
    let (own, at) = (mark(&event.subject_id), event.occurred_at.min(accepted_at));
    let deleted_at = backend.seen.get(&own).and_then(FieldValue::as_text).and_then(Timestamp::parse);
    match event.deleted() {
        Some(true) => {
            backend.seen.insert(own, FieldValue::text(deleted_at.map_or(at, |known| known.max(at)).to_string()));
            let mut others = subjects.into_iter().flatten().filter(|subject| **subject != event.subject_id);
            others.all(|other| backend.seen.contains_key(&mark(other)))
        }
        Some(false) => {
            // One that was created before it was deleted, and is told of only now, is deleted all the same.
            if deleted_at.is_none_or(|deleted_at| deleted_at < at) {
                backend.seen.remove(&own);
            }
            true
        }
        None => true,
    }
}
