//! Our types as the text of a column and back. Which column holds what is `schema`'s.

use std::error::Error;
use std::str::FromStr;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::PersistenceError;

/// Reads an id, a kind or another type that parses from text.
pub(crate) fn parse<T>(column: &'static str, text: &str) -> Result<T, PersistenceError>
where
    T: FromStr,
    T::Err: Error + Send + Sync + 'static,
{
    text.parse().map_err(|source: T::Err| PersistenceError::Unreadable { column, source: Box::new(source) })
}

/// Reads what is null where there is nothing.
pub(crate) fn parse_optional<T>(column: &'static str, text: Option<&str>) -> Result<Option<T>, PersistenceError>
where
    T: FromStr,
    T::Err: Error + Send + Sync + 'static,
{
    text.map(|text| parse(column, text)).transpose()
}

/// Reads a JSON column.
pub(crate) fn from_json<T: DeserializeOwned>(column: &'static str, json: Value) -> Result<T, PersistenceError> {
    serde_json::from_value(json).map_err(|source| PersistenceError::Unreadable { column, source: Box::new(source) })
}

/// The value of a JSON column.
pub(crate) fn to_json<T: Serialize>(value: &T) -> Result<Value, PersistenceError> {
    serde_json::to_value(value).map_err(PersistenceError::Unwritable)
}

/// Reads the word of an enum whose words are given by serde.
pub(crate) fn from_word<T: DeserializeOwned>(column: &'static str, word: String) -> Result<T, PersistenceError> {
    from_json(column, Value::String(word))
}

/// The word that serde gives to a variant without fields.
pub(crate) fn to_word<T: Serialize>(value: &T) -> Result<String, PersistenceError> {
    // JSON text and nothing else: a variant with fields is no word.
    serde_json::from_value(to_json(value)?).map_err(PersistenceError::Unwritable)
}

/// The text without the character that PostgreSQL cannot store.
pub(crate) fn storable(text: &str) -> String {
    text.replace('\0', "")
}

/// The JSON without the character that PostgreSQL's `jsonb` cannot store, in keys and in texts.
pub(crate) fn storable_json(json: Value) -> Value {
    match json {
        Value::String(text) => Value::String(storable(&text)),
        Value::Array(items) => items.into_iter().map(storable_json).collect(),
        Value::Object(entries) => {
            entries.into_iter().map(|(name, value)| (storable(&name), storable_json(value))).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => json,
    }
}

#[cfg(test)]
mod tests {
    use domain::integration::{Direction, Frequency};
    use serde_json::json;

    use super::*;

    #[test]
    fn words_are_those_of_the_api() {
        assert_eq!(to_word(&Direction::ToPlatform).unwrap(), "to_platform");
        assert_eq!(from_word::<Frequency>("frequency", "hourly".to_owned()).unwrap(), Frequency::Hourly);
        assert!(from_word::<Frequency>("frequency", "yearly".to_owned()).is_err());
    }

    #[test]
    fn nul_is_taken_out_wherever_it_hides() {
        let json = storable_json(json!({"a\0": ["b\0c", {"d": "\0"}], "e": 1}));
        assert_eq!(json, json!({"a": ["bc", {"d": ""}], "e": 1}));
    }
}
