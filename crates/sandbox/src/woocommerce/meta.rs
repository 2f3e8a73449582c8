//! How a written value is laid over what is there: addresses field by field, custom fields by key.

use serde_json::{Map, Value, json};

use crate::store::Object;

/// The fields as they are after a write: those of `blank` or of the object, with the written ones laid over.
pub(crate) fn laid_over(
    before: &Map<String, Value>,
    written: Map<String, Value>,
    next: &mut u64,
) -> Map<String, Value> {
    let mut changed = Map::new();
    for (name, value) in written {
        let old = before.get(&name);
        let new = match (name.as_str(), old, value) {
            ("meta_data", old, Value::Array(written)) => custom_fields(old, written, next),
            (_, Some(Value::Object(old)), Value::Object(written)) => {
                let mut merged = old.clone();
                merged.extend(written);
                Value::Object(merged)
            }
            (_, _, value) => value,
        };
        changed.insert(name, new);
    }
    changed
}

/// The same key given without an id changes the value that is there; `null` takes it away.
fn custom_fields(before: Option<&Value>, written: Vec<Value>, next: &mut u64) -> Value {
    let mut fields = before.and_then(Value::as_array).cloned().unwrap_or_default();
    for field in written {
        let (key, id) = (field.get("key").cloned().unwrap_or_default(), field.get("id").and_then(Value::as_u64));
        let value = field.get("value").cloned().unwrap_or_default();
        let is_it = |known: &&mut Value| match id {
            Some(id) => known.get("id").and_then(Value::as_u64) == Some(id),
            None => known.get("key") == Some(&key),
        };
        match fields.iter_mut().find(is_it).and_then(Value::as_object_mut) {
            Some(known) => {
                known.insert("value".to_owned(), value);
            }
            None => {
                *next = next.saturating_add(1);
                fields.push(json!({"id": *next, "key": key, "value": value}));
            }
        }
    }
    fields.retain(|field| field.get("value").is_some_and(|value| !value.is_null()));
    Value::Array(fields)
}

/// The highest id of a custom field that an object has.
pub(crate) fn last_id(object: Option<&Object>) -> u64 {
    let fields = object.and_then(|object| object.value("/meta_data")).and_then(Value::as_array);
    fields.into_iter().flatten().filter_map(|field| field.get("id")?.as_u64()).max().unwrap_or_default()
}
