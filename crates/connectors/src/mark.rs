//! Our key as the last line of an object's text, where an account has no field for it. What people wrote stands before it.

use std::time::Duration;

use domain::field::FieldValue;
use domain::id::RecordId;
use domain::time::Timestamp;

/// What stands before our key in its line.
const MARK: &str = "Coccinelle: ";

/// How far the clock of whoever made a record may be wrong: by an hour of summer time, and some.
const SLACK: Duration = Duration::from_hours(2);

/// From when on the objects were made that may carry one of these keys: none before its record, whose id tells when that was made. An
/// object that is passed over would be made twice.
pub(crate) fn since(keys: impl IntoIterator<Item = RecordId>) -> Option<Timestamp> {
    let made = keys.into_iter().filter_map(|key| key.made_at()).min()?;
    Some(made.minus(SLACK))
}

/// The text with our key as its last line, and with no other.
pub(crate) fn put(text: &str, key: RecordId) -> String {
    let (said, _other) = take(text);
    if said.is_empty() { format!("{MARK}{key}") } else { format!("{said}\n\n{MARK}{key}") }
}

/// What people wrote, and our key where it stands behind that.
pub(crate) fn take(text: &str) -> (&str, Option<RecordId>) {
    let (said, last) = text.trim_end().rsplit_once('\n').unwrap_or(("", text));
    let key: Option<RecordId> = last.trim().strip_prefix(MARK).and_then(|key| key.parse().ok());
    key.map_or((text, None), |key| (said.trim_end(), Some(key)))
}

/// What people wrote, as a value: our key is no news.
pub(crate) fn said(value: FieldValue) -> FieldValue {
    match &value {
        FieldValue::Text(text) => FieldValue::text(take(text).0),
        FieldValue::Null | FieldValue::Bool(_) | FieldValue::Number(_) | FieldValue::List(_) => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_made_for_a_record_by_a_clock_an_hour_ahead_is_not_passed_over() {
        let (first, second) = (RecordId::new(), RecordId::new());
        let made = first.made_at().unwrap();
        assert!(since([second, first]).unwrap() < made.minus(Duration::from_hours(1)));
        assert_eq!(since([]), None);
    }

    #[test]
    fn our_key_is_the_last_line_and_what_people_wrote_comes_back_without_it() {
        let key: RecordId = "rec_01jd0000000000000000000000".parse().unwrap();
        let other: RecordId = "rec_01jd0000000000000000000001".parse().unwrap();
        for text in ["", "Devis", "Devis\n\nà revoir", "Coccinelle: demain"] {
            let marked = put(text, key);
            assert_eq!(take(&marked), (text, Some(key)), "{text:?}");
            assert_eq!(put(&marked, other), put(text, other), "one key, the newest: {text:?}");
            assert_eq!(take(&format!("{marked}\r\n")), (text, Some(key)), "{text:?}");
            assert_eq!(take(text), (text, None));
        }
        // What somebody wrote behind it is theirs, and the key counts no more.
        let behind = format!("{}\nà revoir", put("Devis", key));
        assert_eq!(take(&behind), (behind.as_str(), None));
    }
}
