//! Field names and values, ours and the platforms'. When a value wins over another is `record`'s to say.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{AnyOfBuilder, ArrayBuilder, ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

/// The name of one of Coccinelle's own fields, as in `first_name`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[schema(value_type = String, example = "first_name")]
#[serde(transparent)]
pub struct FieldName(String);

impl FieldName {
    /// Whether the record is deleted; it has a time like any other field.
    pub const DELETED: &'static str = "deleted";
    /// The contact that a deal or an activity belongs to, by its record id.
    pub const CONTACT: &'static str = "contact";

    /// Wraps a name that is known to `schema`.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(name.to_owned())
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for FieldName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FieldName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A value of a field. `Null` says "cleared"; a field that is absent says nothing.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize)]
#[serde(untagged)]
pub enum FieldValue {
    /// Cleared.
    #[default]
    Null,
    /// Yes or no.
    Bool(bool),
    /// A number as it was written.
    Number(serde_json::Number),
    /// Text, never empty: empty text is `Null`.
    Text(String),
    /// Several texts, as in tags.
    List(Vec<String>),
}

impl FieldValue {
    /// Text, or `Null` where it is empty.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        let text = text.into();
        if text.is_empty() { Self::Null } else { Self::Text(text) }
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The text of a `Text`.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::List(_) => None,
        }
    }

    /// The value as a form field or a string property would show it; `Null` is empty, lists are joined by `;`.
    #[must_use]
    pub fn to_plain_text(&self) -> String {
        match self {
            Self::Null => String::new(),
            Self::Bool(yes) => yes.to_string(),
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text.clone(),
            Self::List(items) => items.join(";"),
        }
    }

    fn variant(&self) -> u8 {
        match self {
            Self::Null => 0,
            Self::Bool(_) => 1,
            Self::Number(_) => 2,
            Self::Text(_) => 3,
            Self::List(_) => 4,
        }
    }
}

/// By hand: what serde derives for a type without a tag tries one form after the other, and makes an error of each that does not fit.
impl<'de> Deserialize<'de> for FieldValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = FieldValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("null, true, false, a number, a text or a list of texts")
    }

    fn visit_unit<E: Error>(self) -> Result<FieldValue, E> {
        Ok(FieldValue::Null)
    }

    fn visit_none<E: Error>(self) -> Result<FieldValue, E> {
        Ok(FieldValue::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<FieldValue, D::Error> {
        FieldValue::deserialize(deserializer)
    }

    fn visit_bool<E: Error>(self, yes: bool) -> Result<FieldValue, E> {
        Ok(FieldValue::Bool(yes))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<FieldValue, E> {
        Ok(FieldValue::Number(number.into()))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<FieldValue, E> {
        Ok(FieldValue::Number(number.into()))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<FieldValue, E> {
        serde_json::Number::from_f64(number).map(FieldValue::Number).ok_or_else(|| E::custom("must be finite"))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<FieldValue, E> {
        self.visit_string(text.to_owned())
    }

    fn visit_string<E: Error>(self, text: String) -> Result<FieldValue, E> {
        Ok(FieldValue::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<FieldValue, A::Error> {
        let mut texts = Vec::new();
        while let Some(text) = items.next_element()? {
            texts.push(text);
        }
        Ok(FieldValue::List(texts))
    }
}

impl PartialSchema for FieldValue {
    fn schema() -> RefOr<Schema> {
        let one = |of: Type| ObjectBuilder::new().schema_type(of);
        let texts = ArrayBuilder::new().items(one(Type::String));
        let any = [Type::Null, Type::Boolean, Type::Number, Type::String].into_iter();
        let any = any.fold(AnyOfBuilder::new(), |any, of| any.item(one(of)));
        let any = any.item(texts).description(Some("What a field holds; `null` is nothing.")).examples(["Dupont"]);
        RefOr::T(Schema::AnyOf(any.build()))
    }
}

impl ToSchema for FieldValue {}

/// A total order without meaning, the last resort of a merge: by variant, then by text.
impl Ord for FieldValue {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::List(mine), Self::List(theirs)) => mine.cmp(theirs),
            _ => (self.variant(), self.to_plain_text()).cmp(&(other.variant(), other.to_plain_text())),
        }
    }
}

impl PartialOrd for FieldValue {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Values in a platform's own terms: its field names, what it is sent or shows.
pub type RemoteFields = BTreeMap<String, FieldValue>;

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(value: Value) -> serde_json::Result<FieldValue> {
        let of_text = serde_json::from_str(&value.to_string());
        // A value that is in memory already is read alike.
        let of_value = FieldValue::deserialize(value);
        assert_eq!(of_text.as_ref().ok(), of_value.as_ref().ok());
        of_text
    }

    #[test]
    fn every_form_is_read_as_it_is_written() {
        let values = [
            FieldValue::Null,
            FieldValue::Bool(true),
            FieldValue::Number(7.into()),
            FieldValue::Number((-7).into()),
            FieldValue::Number(u64::MAX.into()),
            FieldValue::Number(serde_json::Number::from_f64(0.5).unwrap()),
            FieldValue::text("Élodie \"x\""),
            FieldValue::List(vec!["a".to_owned(), "b".to_owned()]),
            FieldValue::List(Vec::new()),
        ];
        for value in values {
            assert_eq!(read(serde_json::to_value(&value).unwrap()).unwrap(), value);
        }
    }

    #[test]
    fn what_no_field_can_hold_is_refused_in_words() {
        for value in [json!({"a": 1}), json!(["a", 1]), json!([null]), json!([["a"]])] {
            let error = read(value).unwrap_err().to_string();
            assert!(error.contains("expected"), "{error}");
        }
        let error = read(json!({})).unwrap_err().to_string();
        assert!(error.contains("null, true, false, a number, a text or a list of texts"), "{error}");
    }

    #[test]
    fn null_is_nothing_where_an_option_is_meant() {
        assert_eq!(serde_json::from_str::<Option<FieldValue>>("null").unwrap(), None);
        assert_eq!(serde_json::from_str::<Option<FieldValue>>("1").unwrap(), Some(FieldValue::Number(1.into())));
    }
}
