//! What an attempt changed, field by field, for the log. Whether it changed anything is decided elsewhere.

use domain::field::{FieldName, RemoteFields};
use domain::outcome::{FieldChanges, ValueChange};
use domain::record::Fields;

/// What a write makes of what was `seen` before it: of each field sent what the platform `shows` now, or else what was sent.
pub(super) fn of_write(seen: &RemoteFields, sent: &RemoteFields, shown: Option<&RemoteFields>) -> FieldChanges {
    let change = |(name, sent): (&String, _)| {
        let after = shown.and_then(|shown| shown.get(name)).unwrap_or(sent);
        Some((name.clone(), ValueChange::between(seen.get(name), Some(after))?))
    };
    sent.iter().filter_map(change).collect()
}

/// What became of the fields of a record that a read changed.
pub(super) fn of_read(before: &Fields, after: &Fields, changed: &[FieldName]) -> FieldChanges {
    let change = |name: &FieldName| {
        let change = ValueChange::between(before.value(name.as_str()), after.value(name.as_str()))?;
        Some((name.to_string(), change))
    };
    changed.iter().filter_map(change).collect()
}
