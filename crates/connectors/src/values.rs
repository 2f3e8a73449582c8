//! Values of JSON bodies, on their way in and out. Which field takes which form is each platform's.

use domain::field::FieldValue;
use serde_json::{Number, Value};

/// Ids are numbers; in deliveries they also come as text.
pub(crate) fn id_of(value: &Value) -> Option<String> {
    match value {
        Value::Number(number) if number.is_u64() => Some(number.to_string()),
        Value::String(text) if is_id(text) => Some(text.clone()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Whether a text can be an id: what cannot is refused with the whole list that it stands in.
pub(crate) fn is_id(text: &str) -> bool {
    text.len() <= 18 && !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A number where the text is one; else the text, which the platform then refuses.
pub(crate) fn number(text: &str) -> Value {
    serde_json::from_str::<Number>(text).map_or_else(|_| Value::String(text.to_owned()), Value::Number)
}

/// An amount, an address or a person comes as an object; what we know of it is its value or its id.
pub(crate) fn value_of(value: &Value) -> FieldValue {
    match value {
        Value::Null => FieldValue::Null,
        Value::Bool(yes) => FieldValue::Bool(*yes),
        Value::Number(number) => FieldValue::Number(number.clone()),
        Value::String(text) => FieldValue::text(text),
        Value::Array(items) if items.is_empty() => FieldValue::Null,
        Value::Array(items) => FieldValue::List(items.iter().map(|item| value_of(item).to_plain_text()).collect()),
        Value::Object(parts) => parts.get("value").or_else(|| parts.get("id")).map_or(FieldValue::Null, value_of),
    }
}
