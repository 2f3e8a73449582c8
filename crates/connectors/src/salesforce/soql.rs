//! Queries: how a value and a list stand in SOQL, so that nothing that people typed can be read as more than a value.

use domain::time::Timestamp;

/// No query is longer than this, with room for the rest of the address.
pub(crate) const LONGEST: usize = 12_000;

/// A text as a literal.
pub(crate) fn text(value: &str) -> String {
    let mut literal = String::with_capacity(value.len() + 2);
    literal.push('\'');
    for c in value.chars() {
        match c {
            '\\' => literal.push_str("\\\\"),
            '\'' => literal.push_str("\\'"),
            '\n' => literal.push_str("\\n"),
            '\r' => literal.push_str("\\r"),
            '\t' => literal.push_str("\\t"),
            c if c.is_control() => {}
            c => literal.push(c),
        }
    }
    literal.push('\'');
    literal
}

/// `(a, b, c)` of texts.
pub(crate) fn list<'a>(values: impl IntoIterator<Item = &'a str>) -> String {
    let literals: Vec<String> = values.into_iter().map(text).collect();
    format!("({})", literals.join(","))
}

/// A pattern for texts that end in these digits, whatever stands before and between them.
pub(crate) fn ending(digits: &str) -> String {
    let digits: String = digits.chars().filter(char::is_ascii_digit).flat_map(|digit| ['%', digit]).collect();
    text(&digits)
}

/// A moment as a literal, which stands without quotes; whole seconds are all that Salesforce keeps.
pub(crate) fn moment(at: Timestamp) -> String {
    let text = at.to_string();
    let (seconds, _) = text.split_once('.').unwrap_or((&text, ""));
    format!("{}Z", seconds.trim_end_matches('Z'))
}

/// Whether a name can be a field's: anything else is no part of a query.
pub(crate) fn is_field(name: &str) -> bool {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    (1..=80).contains(&name.len()) && name.bytes().all(is_plain) && name.starts_with(|c: char| c.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_quote_does_not_end_a_literal() {
        assert_eq!(text(r"O'Brien\"), r"'O\'Brien\\'");
        assert_eq!(list(["a", "b'"]), r"('a','b\'')");
        assert_eq!(ending("12'7"), "'%1%2%7'");
        assert_eq!(moment(Timestamp::parse("2026-11-27T12:00:01.5Z").unwrap()), "2026-11-27T12:00:01Z");
    }

    proptest! {
        #[test]
        fn no_text_leaves_its_literal(value in ".{0,40}") {
            let literal = text(&value);
            let inner = literal.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')).unwrap();
            let mut escaped = false;
            for c in inner.chars() {
                prop_assert!(escaped || c != '\'');
                escaped = !escaped && c == '\\';
            }
            prop_assert!(!escaped);
        }
    }
}
