//! What a merge overruled, as it goes into the history of a record. Which value wins is `domain::record`'s.

use std::collections::BTreeSet;

use domain::field::FieldName;
use domain::id::{IntegrationId, RecordId};
use domain::record::Lost;
use persistence::records::conflicts::{Conflict, Why};

/// The history of one merge of what `writer` said, who `knew` these fields as they were.
///
/// Whether a record exists, and whose it is, is no value that anybody would want back.
pub(crate) fn noted(
    record: RecordId,
    lost: Vec<Lost>,
    writer: IntegrationId,
    knew: &BTreeSet<FieldName>,
) -> impl Iterator<Item = Conflict> {
    let is_value = |lost: &Lost| !matches!(lost.field.as_str(), FieldName::DELETED | FieldName::CONTACT);
    lost.into_iter().filter(is_value).map(move |lost| {
        let why = if lost.is_disagreement(writer, knew) { Why::Overruled } else { Why::Replaced };
        Conflict::Value { record, why, lost }
    })
}

/// The history of a first contact: whatever lost had never been seen by the other side.
pub(crate) fn adopted(record: RecordId, lost: Vec<Lost>) -> impl Iterator<Item = Conflict> {
    lost.into_iter().map(move |lost| Conflict::Value { record, why: Why::Adopted, lost })
}

/// The history of two records becoming one, which somebody has decided on.
pub(crate) fn settled(record: RecordId, lost: Vec<Lost>) -> impl Iterator<Item = Conflict> {
    let is_value = |lost: &Lost| !matches!(lost.field.as_str(), FieldName::DELETED | FieldName::CONTACT);
    lost.into_iter().filter(is_value).map(move |lost| Conflict::Value { record, why: Why::Replaced, lost })
}
