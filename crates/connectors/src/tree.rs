//! Fields that lie in a tree of JSON, under names with dots such as `billing.phone`. Which there are is each platform's to say.

use domain::field::FieldValue;
use serde_json::{Map, Number, Value};

/// What lies under a name; `None` where there is nothing of it.
pub(crate) fn get<'a>(body: &'a Value, name: &str) -> Option<&'a Value> {
    name.split('.').try_fold(body, |value, part| value.get(part))
}

/// Puts a value under a name, and makes what is missing on the way.
pub(crate) fn set(body: &mut Map<String, Value>, name: &str, value: Value) {
    match name.split_once('.') {
        None => {
            body.insert(name.to_owned(), value);
        }
        Some((first, rest)) => {
            let inner = body.entry(first).or_insert_with(|| Value::Object(Map::new()));
            if !inner.is_object() {
                *inner = Value::Object(Map::new());
            }
            if let Value::Object(inner) = inner {
                set(inner, rest, value);
            }
        }
    }
}

/// A value as our fields hold it; `None` for what no field holds.
pub(crate) fn read(value: &Value) -> Option<FieldValue> {
    match value {
        Value::Null => Some(FieldValue::Null),
        Value::Bool(yes) => Some(FieldValue::Bool(*yes)),
        Value::Number(number) => Some(FieldValue::Number(number.clone())),
        Value::String(text) => Some(FieldValue::text(text.as_str())),
        Value::Array(items) => {
            let texts: Option<Vec<String>> = items.iter().map(|item| item.as_str().map(str::to_owned)).collect();
            texts.map(FieldValue::List)
        }
        Value::Object(_) => None,
    }
}

/// An amount of money, which platforms write as text: `21.00` and `21.0` are one.
pub(crate) fn read_money(value: &Value) -> Option<FieldValue> {
    let amount = match value {
        Value::String(text) if text.trim().is_empty() => return Some(FieldValue::Null),
        Value::String(text) => text.trim().parse::<f64>().ok()?,
        Value::Number(number) => number.as_f64()?,
        Value::Null => return Some(FieldValue::Null),
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    Number::from_f64(amount).map(FieldValue::Number)
}

/// A value of ours as JSON; nothing is empty text, which clears.
pub(crate) fn write(value: &FieldValue) -> Value {
    match value {
        FieldValue::Null => Value::String(String::new()),
        FieldValue::Bool(yes) => Value::Bool(*yes),
        FieldValue::Number(number) => Value::Number(number.clone()),
        FieldValue::Text(text) => Value::String(text.clone()),
        FieldValue::List(items) => items.iter().map(|item| Value::String(item.clone())).collect(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_put_under_a_name_is_found_there() {
        let mut body = Map::new();
        set(&mut body, "billing.phone", json!("06"));
        set(&mut body, "billing.city", json!("Brest"));
        set(&mut body, "email", json!("a@x.fr"));
        let body = Value::Object(body);
        assert_eq!(body, json!({"billing": {"phone": "06", "city": "Brest"}, "email": "a@x.fr"}));
        assert_eq!(get(&body, "billing.city"), Some(&json!("Brest")));
        assert_eq!(get(&body, "billing.city.name"), None);
        assert_eq!(get(&body, "shipping.city"), None);
    }

    #[test]
    fn an_amount_is_a_number_however_it_is_written() {
        for text in ["21.00", "21.0", " 21 "] {
            assert_eq!(read_money(&json!(text)), Some(FieldValue::Number(Number::from_f64(21.0).unwrap())), "{text}");
        }
        assert_eq!(read_money(&json!("")), Some(FieldValue::Null));
        assert_eq!(read_money(&json!("gratuit")), None);
        assert_eq!(read_money(&json!("NaN")), None);
    }
}
