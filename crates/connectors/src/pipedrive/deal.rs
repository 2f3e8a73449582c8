//! An appointment, as a deal: its title carries our key where the account has no field for it.
//!
//! It is the only text of a deal that is written with the deal itself, as `AddDealRequest` of Pipedrive's own client for version 2
//! shows. A note is an object of its own: where the answer to the first of two writes is lost, there would be no second.

use domain::field::{FieldValue, RemoteFields};
use domain::id::RecordId;
use serde_json::{Map, Value, json};

const TITLE: &str = "title";

/// What stands around our key at the end of a title, which has no lines.
const BEFORE: &str = " (Coccinelle: ";
const AFTER: &str = ")";

/// So many characters are kept of a text of the sort `varchar`, as Pipedrive's guide to fields says.
const LONGEST: usize = 255;

/// Whether a change of these takes what is there now: our key may stand in the title, and must not be lost with it.
pub(crate) fn needs_current(fields: &RemoteFields) -> bool {
    fields.contains_key(TITLE)
}

/// Our key, where a create of ours left it in the title.
pub(crate) fn key(body: &Map<String, Value>) -> Option<RecordId> {
    parts(title(body)?).1
}

/// The title without our key; `None` for every other field, and where no title is shown.
pub(crate) fn shown(body: &Map<String, Value>, name: &str) -> Option<FieldValue> {
    let title = title(body).filter(|_| name == TITLE)?;
    Some(FieldValue::text(parts(title).0))
}

/// Puts our key at the end of the title that is written. A deal without a title is refused, and our key is none.
pub(crate) fn put_key(body: &mut Map<String, Value>, key: RecordId) {
    let said = title(body).map(|title| parts(title).0).filter(|said| !said.trim().is_empty());
    let mark = format!("{BEFORE}{key}{AFTER}");
    let rest = LONGEST.saturating_sub(mark.chars().count());
    let marked = said.map(|said| said.chars().take(rest).chain(mark.chars()).collect::<String>());
    if let Some(marked) = marked {
        body.insert(TITLE.to_owned(), json!(marked));
    }
}

fn title(body: &Map<String, Value>) -> Option<&str> {
    body.get(TITLE).and_then(Value::as_str)
}

/// What people wrote, and our key where it stands behind that.
fn parts(title: &str) -> (&str, Option<RecordId>) {
    let marked = title.trim_end().strip_suffix(AFTER).and_then(|rest| rest.rsplit_once(BEFORE));
    let read = marked.and_then(|(said, key)| Some((said, key.parse::<RecordId>().ok()?)));
    read.map_or((title, None), |(said, key)| (said, Some(key)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_key_stands_at_the_end_of_a_title_once_and_what_people_wrote_comes_back_without_it() {
        let key: RecordId = "rec_01jd0000000000000000000000".parse().unwrap();
        let other: RecordId = "rec_01jd0000000000000000000001".parse().unwrap();
        for title in ["Rendez-vous", "Devis (toiture)", "Devis (Coccinelle: demain)"] {
            let mut body = Map::from_iter([(TITLE.to_owned(), json!(title))]);
            assert_eq!(super::key(&body), None);
            for key in [key, other, other] {
                put_key(&mut body, key);
                assert_eq!(super::key(&body), Some(key), "{title}");
                assert_eq!(shown(&body, TITLE), Some(FieldValue::text(title)));
            }
            assert_eq!(shown(&body, "lost_reason"), None);
        }
    }

    #[test]
    fn a_long_title_gives_way_to_our_key_and_without_a_title_there_is_none() {
        let key: RecordId = "rec_01jd0000000000000000000000".parse().unwrap();
        let mut body = Map::from_iter([(TITLE.to_owned(), json!("é".repeat(300)))]);
        put_key(&mut body, key);
        assert_eq!((title(&body).unwrap().chars().count(), super::key(&body)), (LONGEST, Some(key)));
        for without in [json!({}), json!({"title": null}), json!({"title": " "})] {
            let mut body = without.as_object().cloned().unwrap();
            put_key(&mut body, key);
            assert_eq!(Value::Object(body), without);
        }
    }
}
