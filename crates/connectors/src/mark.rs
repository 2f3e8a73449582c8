//! Our key as the last line of an object's text, where an account has no field for it. What people wrote stands before it.

use std::time::Duration;

use domain::field::FieldValue;
use domain::id::RecordId;
use domain::time::Timestamp;

use crate::connector::Wanted;

/// What stands before our key in its line.
const MARK: &str = "Coccinelle: ";

/// How far the clock of whoever made a record may be wrong: by an hour of summer time, and some.
const SLACK: Duration = Duration::from_hours(2);

/// How far the database's clock and a platform's may be apart.
const APART: Duration = Duration::from_mins(5);

/// A time in which objects were made that may carry some of the keys that are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stretch {
    pub(crate) from: Timestamp,
    /// `None` where it lasts until now: it is enough to look among its newest objects.
    pub(crate) until: Option<Timestamp>,
}

impl Stretch {
    /// Whether what is looked for may have been made in it.
    pub(crate) fn is_of(&self, wanted: &Wanted) -> bool {
        match (&wanted.tried, self.until) {
            (_, None) => true,
            (Some(tried), Some(until)) => self.from <= *tried.start() && *tried.end() <= until,
            (None, Some(_)) => false,
        }
    }
}

/// When the objects were made that may carry the keys that are looked for. An object that is passed over would be made twice.
///
/// What a create left of which nobody knows what came was made while that was under way, however much was made since. That comes
/// first. Anything else, and that as well where a clock was wrong, was made after its record, whose id tells when that was.
///
/// Where the account has a field for our key, only such a create may have left it in a text: whoever began that may not have known
/// of the field.
pub(crate) fn stretches(wanted: &[Wanted], has_field: bool) -> Vec<Stretch> {
    let tried = wanted.iter().filter_map(|wanted| wanted.tried.as_ref());
    let mut tried: Vec<_> = tried.map(|tried| (tried.start().minus(APART), tried.end().plus(APART))).collect();
    tried.sort_unstable();
    let mut apart: Vec<(Timestamp, Timestamp)> = Vec::new();
    for (from, until) in tried {
        match apart.last_mut() {
            Some((_, end)) if from <= *end => *end = until.max(*end),
            Some(_) | None => apart.push((from, until)),
        }
    }
    let made = wanted.iter().filter_map(|wanted| wanted.key.made_at()).min().filter(|_| !has_field);
    let newest = made.map(|made| Stretch { from: made.minus(SLACK), until: None });
    apart.into_iter().map(|(from, until)| Stretch { from, until: Some(until) }).chain(newest).collect()
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
    use std::ops::RangeInclusive;

    use super::*;

    fn wanted(tried: Option<RangeInclusive<Timestamp>>) -> Wanted {
        Wanted { key: RecordId::new(), identifiers: Vec::new(), tried }
    }

    #[test]
    fn what_was_made_for_a_record_by_a_clock_an_hour_ahead_is_not_passed_over() {
        let both = [wanted(None), wanted(None)];
        let made = both.iter().filter_map(|wanted| wanted.key.made_at()).min().unwrap();
        let stretches = stretches(&both, false);
        assert_eq!(stretches.len(), 1);
        assert!(stretches[0].from < made.minus(Duration::from_hours(1)) && stretches[0].until.is_none());
        assert_eq!(super::stretches(&[], false), []);
    }

    #[test]
    fn creates_at_about_the_same_time_are_looked_for_together_and_others_on_their_own() {
        let at = |minutes: u64| Timestamp::from_millis(1_767_348_000_000).unwrap().plus(Duration::from_mins(minutes));
        let long = wanted(Some(at(0)..=at(30)));
        let all = [wanted(Some(at(120)..=at(121))), long, wanted(Some(at(1)..=at(2))), wanted(None)];
        let found = stretches(&all, false);
        let [first, second, newest] = &found[..] else { panic!("{found:?}") };
        assert_eq!((first.from, first.until), (at(0).minus(APART), Some(at(30).plus(APART))));
        assert_eq!((second.from, second.until), (at(120).minus(APART), Some(at(121).plus(APART))));
        let of = |stretch: &Stretch| all.iter().map(|wanted| stretch.is_of(wanted)).collect::<Vec<_>>();
        assert_eq!(of(first), [false, true, true, false]);
        assert_eq!(of(second), [true, false, false, false]);
        assert_eq!((newest.until, of(newest)), (None, vec![true; 4]));
        assert_eq!(stretches(&all, true), [*first, *second], "beside a field, no other text is ours");
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
