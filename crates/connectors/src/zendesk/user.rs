//! A user's fields: one name of two halves, and those of an account's own under their keys.

use domain::field::{FieldValue, RemoteFields};
use serde_json::{Map, Value, json};

use crate::names;
use crate::values::value_of;

pub(crate) const EMAIL: &str = "email";
pub(crate) const PHONE: &str = "phone";

/// Before the key of a field of an account's own.
pub(crate) const OWN: &str = "user_fields.";

/// The value of a field; `None` where the body does not show it.
pub(crate) fn shown(body: &Map<String, Value>, name: &str) -> Option<FieldValue> {
    let (first, last) = names::split(body.get("name").and_then(Value::as_str).unwrap_or_default());
    match name {
        names::FIRST => Some(FieldValue::text(first)),
        names::LAST => Some(FieldValue::text(last)),
        _ => match name.strip_prefix(OWN) {
            Some(key) => body.get("user_fields")?.get(key).map(value_of),
            None => body.get(name).map(value_of),
        },
    }
}

/// What a create or an update sends; `now` is the name that is there.
pub(crate) fn body(fields: &RemoteFields, now: &str) -> Map<String, Value> {
    let mut body = Map::new();
    let mut own = Map::new();
    for (name, value) in fields.iter().filter(|(name, _)| ![names::FIRST, names::LAST].contains(&name.as_str())) {
        match name.strip_prefix(OWN) {
            Some(key) => {
                own.insert(key.to_owned(), written(value));
            }
            None => {
                body.insert(name.clone(), written(value));
            }
        }
    }
    if !own.is_empty() {
        body.insert("user_fields".to_owned(), Value::Object(own));
    }
    // An address is taken away as an identity (`write::take_address`), not cleared.
    if body.get(EMAIL).is_some_and(Value::is_null) {
        body.remove(EMAIL);
    }
    if let Some(name) = names::whole(fields, now) {
        let known =
            || [EMAIL, PHONE].into_iter().filter_map(|name| fields.get(name)?.as_text()).find(|text| !text.is_empty());
        // Nobody is without a name there.
        let name =
            if name.is_empty() { known().unwrap_or(if now.is_empty() { "?" } else { now }).to_owned() } else { name };
        body.insert("name".to_owned(), json!(name));
    }
    body
}

fn written(value: &FieldValue) -> Value {
    match value {
        FieldValue::Null => Value::Null,
        FieldValue::Bool(yes) => json!(yes),
        FieldValue::Number(number) => json!(number),
        FieldValue::Text(text) => json!(text),
        FieldValue::List(items) => json!(items),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_written_with_one_name_and_its_own_fields_by_key() {
        let text = |name: &str, value: &str| (name.to_owned(), FieldValue::text(value));
        let fields = RemoteFields::from([
            text("email", "zoe@x.fr"),
            text("first_name", "Zoé"),
            text("last_name", "de la Tour"),
            text("user_fields.plan", "gold"),
            text("notes", ""),
        ]);
        let expected =
            json!({"email": "zoe@x.fr", "name": "Zoé de la Tour", "user_fields": {"plan": "gold"}, "notes": null});
        assert_eq!(Value::Object(body(&fields, "")), expected);
        let nameless = RemoteFields::from([text("email", "zoe@x.fr"), text("last_name", "")]);
        assert_eq!(body(&nameless, "")["name"], "zoe@x.fr");
        let shown_body = json!({"name": "Zoé de la Tour", "user_fields": {"plan": "gold"}});
        let shown_body = shown_body.as_object().unwrap();
        assert_eq!(shown(shown_body, "last_name"), Some(FieldValue::text("de la Tour")));
        assert_eq!(shown(shown_body, "user_fields.plan"), Some(FieldValue::text("gold")));
        assert_eq!(shown(shown_body, "email"), None);
    }
}
