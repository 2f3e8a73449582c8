//! An object as Pipedrive shows it.

use serde_json::{Map, Value, json};

use super::{
    company::{ACTIVITIES, PERSONS},
    fields,
};
use crate::{
    clock::{self, Millis},
    store::{Object, Store},
};

/// As it is now.
pub(crate) fn whole(store: &Store, kind: &str, object: &Object) -> Value {
    let mut shown = object.fields().clone();
    let mut own: Map<String, Value> = fields::codes(store, kind).map(|code| (code.to_owned(), Value::Null)).collect();
    own.extend(shown.get("custom_fields").and_then(Value::as_object).cloned().unwrap_or_default());
    if kind != ACTIVITIES {
        shown.insert("custom_fields".to_owned(), Value::Object(own));
    }
    if kind == PERSONS {
        let (first, last) = halves(object.text("/name"));
        shown.insert("first_name".to_owned(), json!(first));
        shown.insert("last_name".to_owned(), json!(last));
    }
    if kind == ACTIVITIES {
        shown.insert("person_id".to_owned(), json!(primary(object)));
    }
    shown.insert("id".to_owned(), json!(object.id));
    shown.insert("add_time".to_owned(), json!(seconds(object.created_at)));
    shown.insert("update_time".to_owned(), json!(seconds(object.removed_at.unwrap_or(object.updated_at()))));
    shown.insert("is_deleted".to_owned(), json!(object.removed_at.is_some()));
    Value::Object(shown)
}

/// The person whose activity it is.
pub(crate) fn primary(object: &Object) -> Option<u64> {
    let participants = object.value("/participants").and_then(Value::as_array)?;
    let is_primary = |one: &&Value| one.get("primary") == Some(&Value::Bool(true));
    participants.iter().find(is_primary).or(participants.first())?.get("person_id")?.as_u64()
}

/// Pipedrive takes the first word of a name for the first name; one word alone is that.
fn halves(name: &str) -> (Option<&str>, Option<&str>) {
    match name.trim().split_once(' ') {
        Some((first, last)) => (Some(first), Some(last.trim())),
        None => (Some(name.trim()), None),
    }
}

/// Without fractions, as version 2 writes times.
pub(crate) fn seconds(at: Millis) -> String {
    let text = clock::iso(at);
    text.split_once('.').map_or(text.clone(), |(whole, _)| format!("{whole}Z"))
}
