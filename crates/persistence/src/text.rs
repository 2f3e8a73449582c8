//! Our types as the text of a column and back. Which column holds what is `schema`'s.

use std::error::Error;
use std::io::Write as _;
use std::str::FromStr;

use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::pg::{Pg, PgValue};
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::Jsonb;
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

/// The version of its form that PostgreSQL writes before the text of a `jsonb` (`jsonb_recv` and `jsonb_send`): the only one there is.
const JSONB_VERSION: u8 = 1;

/// The value of a JSON column, as text: between it and a type of ours, nothing needs it as a tree.
#[derive(Clone, Debug, AsExpression, FromSqlRow)]
#[diesel(sql_type = Jsonb)]
pub(crate) struct Json(Box<[u8]>);

impl Json {
    /// How JSON shows the character that `jsonb` cannot store.
    const NUL: &'static str = "\\u0000";

    /// Of the text of a JSON value that a stranger wrote: without the character that cannot be stored, in keys and in texts.
    ///
    /// # Errors
    /// When it is no JSON after all.
    pub(crate) fn storable(text: String) -> serde_json::Result<Self> {
        // Nearly always: looking costs less than taking the value apart.
        if !text.contains(Self::NUL) {
            return Ok(Self(text.into_bytes().into()));
        }
        serde_json::to_vec(&storable_json(serde_json::from_str(&text)?)).map(|text| Self(text.into()))
    }
}

impl FromSql<Jsonb, Pg> for Json {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        match value.as_bytes().split_first() {
            Some((&JSONB_VERSION, text)) => Ok(Self(text.into())),
            Some(_) | None => Err("this is not the form of jsonb that is known".into()),
        }
    }
}

impl ToSql<Jsonb, Pg> for Json {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        out.write_all(&[JSONB_VERSION])?;
        out.write_all(&self.0)?;
        Ok(IsNull::No)
    }
}

/// Reads a JSON column.
pub(crate) fn from_json<T: DeserializeOwned>(column: &'static str, json: Json) -> Result<T, PersistenceError> {
    serde_json::from_slice(&json.0).map_err(|source| PersistenceError::Unreadable { column, source: Box::new(source) })
}

/// Reads what was a JSON column and has been looked into.
pub(crate) fn from_tree<T: DeserializeOwned>(column: &'static str, json: Value) -> Result<T, PersistenceError> {
    serde_json::from_value(json).map_err(|source| PersistenceError::Unreadable { column, source: Box::new(source) })
}

/// The value of a JSON column.
pub(crate) fn to_json<T: Serialize>(value: &T) -> Result<Json, PersistenceError> {
    serde_json::to_vec(value).map(|text| Json(text.into())).map_err(PersistenceError::Unwritable)
}

/// The value of a JSON column that holds what a stranger wrote: without the character that it cannot store.
pub(crate) fn to_storable_json<T: Serialize>(value: &T) -> Result<Json, PersistenceError> {
    serde_json::to_string(value).and_then(Json::storable).map_err(PersistenceError::Unwritable)
}

/// Reads the word of an enum whose words are given by serde.
pub(crate) fn from_word<T: DeserializeOwned>(column: &'static str, word: String) -> Result<T, PersistenceError> {
    from_tree(column, Value::String(word))
}

/// The word that serde gives to a variant without fields.
pub(crate) fn to_word<T: Serialize>(value: &T) -> Result<String, PersistenceError> {
    // JSON text and nothing else: a variant with fields is no word.
    serde_json::to_value(value).and_then(serde_json::from_value).map_err(PersistenceError::Unwritable)
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
    use proptest::collection::vec;
    use proptest::prelude::*;
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

    proptest! {
        #[test]
        fn text_is_stored_as_the_tree_would_be(parts in vec(prop::sample::select(vec!["\0", "\\", "u0000", "é", "\""]), 0..8)) {
            let text = parts.concat();
            let value = json!({ text.clone(): [text] });
            let stored: Value = from_json("any", to_storable_json(&value).unwrap()).unwrap();
            prop_assert_eq!(stored, storable_json(value));
        }
    }
}
