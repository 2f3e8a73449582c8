//! A person's peculiar fields: one name of two halves, and lists of addresses and numbers of which we keep the primary one.

use domain::field::{FieldValue, RemoteFields};
use serde_json::{Map, Value, json};

use crate::discovery::RemoteFieldType;
use crate::names;

/// What we offer in mappings.
pub(crate) const OFFERED: [(&str, &str, RemoteFieldType); 4] = [
    (EMAIL, "Email (primary)", RemoteFieldType::Text),
    (PHONE, "Phone (primary)", RemoteFieldType::Phone),
    (names::FIRST, "First name", RemoteFieldType::Text),
    (names::LAST, "Last name", RemoteFieldType::Text),
];

/// The fields of Pipedrive for which these stand.
pub(crate) const REPLACED: [&str; 6] = ["emails", "phones", EMAIL, PHONE, names::FIRST, names::LAST];

pub(crate) const EMAIL: &str = "email";
pub(crate) const PHONE: &str = "phone";

/// Ours, and the list that it is the primary value of.
const LISTS: [(&str, &str); 2] = [(EMAIL, "emails"), (PHONE, "phones")];

/// Whether it takes what is there now to write these: a list is only written as a whole, and so is a name.
pub(crate) fn needs_current(fields: &RemoteFields) -> bool {
    LISTS.iter().any(|(ours, _)| fields.contains_key(*ours)) || names::is_half(fields)
}

/// The value of a field of ours; `None` where the body does not show it, or it is none of ours.
pub(crate) fn shown(body: &Map<String, Value>, name: &str) -> Option<FieldValue> {
    if let Some((_, list)) = LISTS.iter().find(|(ours, _)| *ours == name) {
        return Some(FieldValue::text(primary(body.get(*list)?).unwrap_or_default()));
    }
    if ![names::FIRST, names::LAST].contains(&name) {
        return None;
    }
    let half = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
    let told = (half(names::FIRST), half(names::LAST));
    let (first, last) = if told == ("", "") { names::split(half("name")) } else { told };
    Some(FieldValue::text(if name == names::FIRST { first } else { last }))
}

/// Every value of a list of addresses or numbers.
pub(crate) fn values<'a>(body: &'a Map<String, Value>, list: &str) -> impl Iterator<Item = &'a str> {
    let entries = body.get(list).and_then(Value::as_array).into_iter().flatten();
    entries.filter_map(|entry| entry.get("value").and_then(Value::as_str)).filter(|value| !value.is_empty())
}

/// Moves what these fields say of a person from `fields` into a body.
pub(crate) fn write(fields: &RemoteFields, current: &Map<String, Value>, body: &mut Map<String, Value>) {
    for (ours, list) in LISTS {
        if let Some(value) = fields.get(ours) {
            body.insert(list.to_owned(), with_primary(current.get(list), &value.to_plain_text()));
        }
    }
    let now = current.get("name").and_then(Value::as_str).unwrap_or_default();
    if let Some(name) = names::whole(fields, now) {
        // Nobody is without a name there.
        let name = if name.is_empty() { stand_in(fields, now) } else { name };
        body.insert("name".to_owned(), json!(name));
    }
}

/// What a person is called who has no name.
pub(crate) fn stand_in(fields: &RemoteFields, now: &str) -> String {
    let known = [EMAIL, PHONE].into_iter().filter_map(|name| fields.get(name)?.as_text().map(str::to_owned));
    known.chain([now.to_owned()]).find(|text| !text.is_empty()).unwrap_or_else(|| "?".to_owned())
}

fn primary(list: &Value) -> Option<&str> {
    let entries = || list.as_array().into_iter().flatten();
    let is_primary = |entry: &&Value| entry.get("primary") == Some(&Value::Bool(true));
    entries().find(is_primary).or_else(|| entries().next())?.get("value")?.as_str()
}

/// The list with another primary value, or without the one it has; the others stay.
fn with_primary(current: Option<&Value>, value: &str) -> Value {
    let old = current.and_then(primary).unwrap_or_default();
    let entries = current.and_then(Value::as_array).into_iter().flatten();
    let is_other = |entry: &&Value| {
        let text = entry.get("value").and_then(Value::as_str).unwrap_or_default();
        !text.is_empty() && text != old && text != value
    };
    let mut others: Vec<Value> = entries.clone().filter(is_other).cloned().collect();
    let label = entries.clone().find_map(|entry| {
        (entry.get("value").and_then(Value::as_str) == Some(old)).then(|| entry.get("label").cloned())?
    });
    if value.is_empty() {
        if let Some(first) = others.first_mut().and_then(Value::as_object_mut) {
            first.insert("primary".to_owned(), json!(true));
        }
        return Value::Array(others);
    }
    let first = json!({"value": value, "primary": true, "label": label.unwrap_or_else(|| json!("work"))});
    Value::Array([first].into_iter().chain(others).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_primary_address_leaves_the_others_where_they_are() {
        let list = json!([
            {"value": "old@x.fr", "primary": true, "label": "home"},
            {"value": "second@x.fr", "primary": false, "label": "work"},
        ]);
        let expected = json!([
            {"value": "new@x.fr", "primary": true, "label": "home"},
            {"value": "second@x.fr", "primary": false, "label": "work"},
        ]);
        assert_eq!(with_primary(Some(&list), "new@x.fr"), expected);
        let promoted = json!([{"value": "second@x.fr", "primary": true, "label": "home"}]);
        assert_eq!(with_primary(Some(&list), "second@x.fr"), promoted);
        let cleared = json!([{"value": "second@x.fr", "primary": true, "label": "work"}]);
        assert_eq!(with_primary(Some(&list), ""), cleared);
        assert_eq!(with_primary(None, "a@x.fr"), json!([{"value": "a@x.fr", "primary": true, "label": "work"}]));
        assert_eq!(with_primary(Some(&json!([{"value": "", "primary": true}])), ""), json!([]));
    }

    #[test]
    fn nobody_is_written_without_a_name() {
        let text = |name: &str, value: &str| (name.to_owned(), FieldValue::text(value));
        let mut body = Map::new();
        write(&[text(names::LAST, ""), text(EMAIL, "a@x.fr")].into(), &Map::new(), &mut body);
        assert_eq!(body["name"], "a@x.fr");
        assert_eq!(stand_in(&RemoteFields::new(), ""), "?");
    }
}
