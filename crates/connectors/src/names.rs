//! People's names and numbers where a platform keeps them otherwise than we do: one name of two, one number in many notations.

use domain::field::{FieldValue, RemoteFields};
use domain::identity::{Region, e164, national};
use domain::kind::RecordKind;

/// The two halves under which a platform's one name is offered in mappings.
pub(crate) const FIRST: &str = "first_name";
pub(crate) const LAST: &str = "last_name";

/// Both halves, for [`crate::connector::Writer::inseparable`].
pub(crate) fn halves(kind: RecordKind) -> &'static [&'static str] {
    if kind == RecordKind::Contact { &[FIRST, LAST] } else { &[] }
}

/// The one name that `fields` ask for; `None` where they do not speak of it. A half that they leave open stays as it is in
/// `current`.
pub(crate) fn whole(fields: &RemoteFields, current: &str) -> Option<String> {
    let (first, last) = (fields.get(FIRST), fields.get(LAST));
    if first.is_none() && last.is_none() {
        return None;
    }
    let (old_first, old_last) = split(current);
    let part = |new: Option<&FieldValue>, old: &str| new.map_or_else(|| old.to_owned(), FieldValue::to_plain_text);
    let parts = [part(first, old_first), part(last, old_last)];
    let parts: Vec<&str> = parts.iter().map(|part| part.trim()).filter(|part| !part.is_empty()).collect();
    Some(parts.join(" "))
}

/// Whether `fields` hold one half only, so that the other has to be known.
pub(crate) fn is_half(fields: &RemoteFields) -> bool {
    fields.contains_key(FIRST) != fields.contains_key(LAST)
}

/// The first word of a name, and the rest of it. One word alone is a last name.
pub(crate) fn split(name: &str) -> (&str, &str) {
    let name = name.trim();
    name.split_once(char::is_whitespace).map_or(("", name), |(first, last)| (first, last.trim_start()))
}

/// Whether two texts are the same telephone number, however they are written.
pub(crate) fn is_same_number(one: &str, other: &str, region: Region) -> bool {
    let normal = |text: &str| e164(text, region).unwrap_or_else(|| text.trim().to_owned());
    normal(one) == normal(other)
}

/// So many digits at a number's end tell it well enough to be looked for, whatever stands before and between them.
const ENDING: usize = 8;

/// The last digits of a telephone number; `None` of what is none, or a short one.
pub(crate) fn ending(number: &str, region: Region) -> Option<String> {
    let e164 = e164(number, region)?;
    let start = e164.len().checked_sub(ENDING)?;
    e164.get(start..).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit())).map(str::to_owned)
}

/// How many notations a number has at most.
pub(crate) const NOTATIONS: usize = 7;

/// A number as it was given, in E.164, and as its country writes it.
pub(crate) fn notations(number: &str, region: Region) -> Vec<String> {
    let given = number.trim().to_owned();
    let Some(e164) = e164(number, region) else { return vec![given] };
    let mut all = vec![given, e164.trim_start_matches('+').to_owned()];
    if let Some(rest) = e164.strip_prefix("+33") {
        let national: Vec<char> = format!("0{rest}").chars().collect();
        let pairs: Vec<String> = national.chunks(2).map(|pair| pair.iter().collect()).collect();
        let spaced = pairs.join(" ");
        all.push(format!("+33 {}", spaced.trim_start_matches('0')));
        all.extend([pairs.concat(), pairs.join("."), spaced]);
    } else if let Some(national) = national(number, region) {
        let digits: String = national.chars().filter(char::is_ascii_digit).collect();
        all.extend([digits, national]);
    }
    all.push(e164);
    all.sort();
    all.dedup();
    all
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fields(pairs: &[(&str, &str)]) -> RemoteFields {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), FieldValue::text(*value))).collect()
    }

    #[test]
    fn a_name_is_made_of_both_halves_and_keeps_the_half_that_nobody_spoke_of() {
        let both = fields(&[(FIRST, "Jean Pierre"), (LAST, "Dupont")]);
        assert_eq!(whole(&both, "whatever").as_deref(), Some("Jean Pierre Dupont"));
        assert_eq!(whole(&fields(&[(LAST, "Durand")]), "Zoé de la Tour").as_deref(), Some("Zoé Durand"));
        assert_eq!(whole(&fields(&[(FIRST, "")]), "Zoé de la Tour").as_deref(), Some("de la Tour"));
        assert_eq!(whole(&fields(&[("city", "Lyon")]), "Zoé"), None);
        assert!(is_half(&fields(&[(LAST, "Durand")])) && !is_half(&both) && !is_half(&fields(&[])));
    }

    #[test]
    fn a_number_ends_alike_in_every_notation() {
        for number in ["06 12 34 56 78", "+33612345678", "0033 6.12.34.56.78"] {
            assert_eq!(ending(number, Region::FR).as_deref(), Some("12345678"), "{number}");
        }
        for other in ["zoe@exemple.fr", "poste 12", "", "12345678901234567890"] {
            assert_eq!(ending(other, Region::FR), None, "{other}");
        }
    }

    #[test]
    fn a_french_number_is_looked_for_in_every_common_notation() {
        let mut expected =
            ["+33 6 12 34 56 78", "+33612345678", "06 12 34 56 78", "06.12.34.56.78", "0612345678", "33612345678"];
        expected.sort_unstable();
        assert_eq!(notations("+33 6 12 34 56 78", Region::FR), expected);
        assert_eq!(notations("poste 12", Region::FR), ["poste 12"]);
    }

    #[test]
    fn a_number_without_a_country_code_is_one_of_the_region() {
        let (here, there) = ("0470 12 34 56", "+32470123456");
        assert!(is_same_number(here, there, Region::BE) && !is_same_number(here, there, Region::FR));
        for number in [here, there] {
            let all = ["+32470123456", "0470 12 34 56", "0470123456", "32470123456"];
            assert_eq!(notations(number, Region::BE), all, "{number}");
        }
        assert_eq!(ending("0470.12.34.56", Region::BE).as_deref(), Some("70123456"));
    }

    proptest! {
        #[test]
        fn no_number_has_more_notations_than_a_filter_has_room_for(number in "[+0-9 .()-]{0,20}") {
            prop_assert!(notations(&number, Region::FR).len() <= NOTATIONS);
        }

        #[test]
        fn a_name_that_was_split_is_made_whole_again(name in "[A-Za-zé]{1,8}( [A-Za-zé]{1,8}){0,3}") {
            let (first, last) = split(&name);
            prop_assert_eq!(whole(&fields(&[(FIRST, first), (LAST, last)]), ""), Some(name.clone()));
        }
    }
}
