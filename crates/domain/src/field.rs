//! Field names and values, ours and the platforms'. When a value wins over another is `record`'s to say.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
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
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
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

/// A total order without meaning, the last resort of a merge: by variant, then by text.
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
