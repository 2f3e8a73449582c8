//! What the lists of both logs have in common: a place in them, and the cut of large bodies.

use std::fmt;
use std::str::FromStr;

use domain::time::Timestamp;
use serde_json::{Value, json};

use crate::text::storable_json;

/// Bytes of a body that a log row keeps.
const BODY_LIMIT: usize = 32 * 1024;

/// A place in a log, which lists the newest first: behind the row of that time and id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogCursor {
    /// The row's time.
    pub created_at: Timestamp,
    /// The row's id.
    pub id: String,
}

impl fmt::Display for LogCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}~{}", self.created_at, self.id)
    }
}

/// The text is no cursor.
#[derive(Debug, thiserror::Error)]
#[error("not a cursor of this list")]
pub struct InvalidCursor;

impl FromStr for LogCursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (time, id) = text.split_once('~').ok_or(InvalidCursor)?;
        let is_id = !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        let created_at = Timestamp::parse(time).filter(|_| is_id).ok_or(InvalidCursor)?;
        Ok(Self { created_at, id: id.to_owned() })
    }
}

/// Which part of a list is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogPage {
    /// Behind which row; from the newest where it is `None`.
    pub after: Option<LogCursor>,
    /// How many rows at most.
    pub limit: u32,
}

/// A body as a log row keeps it: in full, or its beginning with a note where it is too large.
pub(crate) fn kept_body(body: Option<&Value>) -> Option<Value> {
    let body = body?;
    let text = body.to_string();
    if text.len() <= BODY_LIMIT {
        return Some(storable_json(body.clone()));
    }
    let beginning: String = text
        .chars()
        .scan(0, |bytes, c| {
            *bytes += c.len_utf8();
            (*bytes <= BODY_LIMIT).then_some(c)
        })
        .collect();
    Some(json!({
        "note": format!("cut: {} bytes, of which the first {} are kept", text.len(), beginning.len()),
        "beginning": storable_json(Value::String(beginning)),
    }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_its_own_cursors_and_nothing_else() {
        let cursor = LogCursor { created_at: Timestamp::now(), id: "log_01jd".to_owned() };
        assert_eq!(cursor.to_string().parse::<LogCursor>().unwrap(), cursor);
        for text in ["", "~", "2026-11-22T18:04:00Z~", "2026-11-22T18:04:00Z~a b", "yesterday~log_1", "log_1"] {
            assert!(text.parse::<LogCursor>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_large_body_is_cut_with_a_note_and_a_small_one_is_not() {
        let small = json!({"a": "é"});
        assert_eq!(kept_body(Some(&small)), Some(small));
        let cut = kept_body(Some(&json!({"a": "é".repeat(BODY_LIMIT)}))).unwrap();
        assert!(cut["note"].as_str().unwrap().starts_with("cut: 65544 bytes"), "{}", cut["note"]);
        assert!(cut["beginning"].as_str().unwrap().len() <= BODY_LIMIT);
    }

    proptest! {
        #[test]
        fn any_text_is_a_cursor_or_none_and_what_is_one_leads_to_the_same_place(
            text in ".{0,60}", near in "[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:00:00Z~[a-z0-9_é~]{0,10}",
        ) {
            for text in [text, near] {
                if let Ok(cursor) = text.parse::<LogCursor>() {
                    prop_assert_eq!(cursor.to_string().parse::<LogCursor>().ok(), Some(cursor));
                }
            }
        }
    }
}
