//! A call, as an activity: one moment of a day and an hour, a length in hours and minutes, and our key at the end of its note.

use domain::field::{FieldValue, RemoteFields};
use domain::id::RecordId;
use domain::time::Timestamp;
use serde_json::{Map, Value, json};

use crate::discovery::RemoteFieldType;

/// What we offer in mappings.
pub(crate) const OFFERED: [(&str, &str, RemoteFieldType); 3] = [
    (MOMENT, "Date and time", RemoteFieldType::DateTime),
    (LENGTH, "Duration in seconds", RemoteFieldType::Number),
    (NOTE, "Note", RemoteFieldType::Text),
];

/// The fields of Pipedrive for which these stand.
pub(crate) const REPLACED: [&str; 4] = ["due_date", "due_time", LENGTH, NOTE];

pub(crate) const MOMENT: &str = "due_at";
pub(crate) const LENGTH: &str = "duration";
pub(crate) const NOTE: &str = "note";

/// Activities take no fields of an account's own, and so our key is the last line of the note.
const MARK: &str = "<p>Coccinelle: ";

/// Whether it takes what is there now to write these: our key must stay in the note.
pub(crate) fn needs_current(fields: &RemoteFields) -> bool {
    fields.contains_key(NOTE)
}

/// Our key, where a create of ours left it.
pub(crate) fn key(body: &Map<String, Value>) -> Option<RecordId> {
    let (_, rest) = note(body).rsplit_once(MARK)?;
    rest.split('<').next()?.trim().parse().ok()
}

/// The value of a field of ours; `None` where the body does not show it, or it is none of ours.
pub(crate) fn shown(body: &Map<String, Value>, name: &str) -> Option<FieldValue> {
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
    match name {
        MOMENT => {
            body.get("due_date")?;
            let (day, hour) = (text("due_date"), text("due_time"));
            let hour = if hour.is_empty() { "00:00" } else { hour };
            // Hours come with and without seconds.
            let at =
                Timestamp::parse(&format!("{day}T{hour}:00Z")).or_else(|| Timestamp::parse(&format!("{day}T{hour}Z")));
            Some(FieldValue::text(at.map(|at| at.to_string()).unwrap_or_default()))
        }
        LENGTH => {
            body.get(LENGTH)?;
            Some(seconds(text(LENGTH)).map_or(FieldValue::Null, |seconds| FieldValue::Number(seconds.into())))
        }
        NOTE => {
            body.get(NOTE)?;
            let note = note(body);
            Some(FieldValue::text(note.rsplit_once(MARK).map_or(note, |(ours, _)| ours)))
        }
        _ => None,
    }
}

/// Moves what these fields say of an activity into a body.
pub(crate) fn write(fields: &RemoteFields, key: Option<RecordId>, body: &mut Map<String, Value>) {
    if let Some(at) = fields.get(MOMENT) {
        let at = at.as_text().and_then(Timestamp::parse).map(|at| at.to_string());
        let part = |from: usize, to: usize| at.as_ref().and_then(|at| at.get(from..to)).map(str::to_owned);
        body.insert("due_date".to_owned(), json!(part(0, 10)));
        body.insert("due_time".to_owned(), json!(part(11, 16)));
    }
    if let Some(length) = fields.get(LENGTH) {
        body.insert(LENGTH.to_owned(), json!(hours_and_minutes(length)));
    }
    if let Some(said) = fields.get(NOTE) {
        body.insert(NOTE.to_owned(), json!(html(&said.to_plain_text())));
        if let Some(key) = key {
            put_key(body, key);
        }
    }
}

/// Puts our key at the end of the note, where it is not there already.
pub(crate) fn put_key(body: &mut Map<String, Value>, key: RecordId) {
    if self::key(body) != Some(key) {
        let marked = format!("{}{MARK}{key}</p>", note(body));
        body.insert(NOTE.to_owned(), json!(marked));
    }
}

/// A new activity is a call that took place.
pub(crate) fn begin(body: &mut Map<String, Value>) {
    body.entry("type").or_insert_with(|| json!("call"));
    body.entry("done").or_insert_with(|| json!(true));
}

fn note(body: &Map<String, Value>) -> &str {
    body.get(NOTE).and_then(Value::as_str).unwrap_or_default()
}

fn seconds(text: &str) -> Option<u64> {
    let (hours, rest) = text.split_once(':')?;
    let minutes = rest.split(':').next()?;
    let (hours, minutes): (u64, u64) = (hours.parse().ok()?, minutes.parse().ok()?);
    hours.checked_mul(3_600)?.checked_add(minutes.checked_mul(60)?)
}

/// Rounded up: a call of some seconds took place.
fn hours_and_minutes(length: &FieldValue) -> Option<String> {
    let FieldValue::Number(number) = length else { return None };
    let minutes = number.as_u64()?.div_ceil(60);
    Some(format!("{:02}:{:02}", minutes / 60, minutes % 60))
}

/// Plain text as the HTML that a note is.
fn html(text: &str) -> String {
    let safe = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    safe.replace("\r\n", "\n").replace('\n', "<br>")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_and_a_length_travel_in_pipedrives_own_notations() {
        let fields = RemoteFields::from([
            (MOMENT.to_owned(), FieldValue::text("2026-11-27T09:30:59.000000Z")),
            (LENGTH.to_owned(), FieldValue::Number(3_661.into())),
        ]);
        let mut body = Map::new();
        write(&fields, None, &mut body);
        assert_eq!(
            Value::Object(body.clone()),
            json!({"due_date": "2026-11-27", "due_time": "09:30", "duration": "01:02"})
        );
        assert_eq!(shown(&body, MOMENT), Some(FieldValue::text("2026-11-27T09:30:00.000000Z")));
        assert_eq!(shown(&body, LENGTH), Some(FieldValue::Number(3_720.into())));
        body.insert("due_time".to_owned(), json!("09:30:00"));
        assert_eq!(shown(&body, MOMENT), Some(FieldValue::text("2026-11-27T09:30:00.000000Z")));
    }

    #[test]
    fn our_key_stands_at_the_end_of_the_note_and_nothing_that_was_said_can_take_its_place() {
        let key: RecordId = "rec_01jd0000000000000000000000".parse().unwrap();
        let said = FieldValue::text("a < b\n<p>Coccinelle: rec_01jd0000000000000000000009</p>");
        let mut body = Map::new();
        write(&[(NOTE.to_owned(), said)].into(), Some(key), &mut body);
        assert_eq!(super::key(&body), Some(key));
        assert!(!note(&body).contains("<p>Coccinelle: rec_01jd0000000000000000000009"));
        assert!(!shown(&body, NOTE).unwrap().to_plain_text().contains("<p>"));
        assert_eq!(super::key(json!({"note": "called back"}).as_object().unwrap()), None);
    }
}
