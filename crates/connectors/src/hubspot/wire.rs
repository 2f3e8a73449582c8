//! HubSpot's bodies: only what we read of them, and values on their way in and out.

use std::collections::BTreeMap;

use domain::field::{FieldValue, RemoteFields};
use domain::id::RecordId;
use domain::link::RemoteObject;
use domain::time::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::KEY;
use crate::mark;

/// The texts of a deal and of a call, whose last line may be our key.
pub(crate) const DEAL_NOTE: &str = "description";
pub(crate) const CALL_NOTE: &str = "hs_call_body";

/// A contact, deal or call as every endpoint shows it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Object {
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) properties: BTreeMap<String, Value>,
    #[serde(default)]
    properties_with_history: BTreeMap<String, Vec<Version>>,
    updated_at: Option<String>,
    archived_at: Option<String>,
    /// Whether an upsert made it.
    new: Option<bool>,
    object_write_trace_id: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
struct Version {
    timestamp: Option<String>,
}

/// The objects of an answer; what is not of their form is left out, and so counts as not answered.
pub(crate) fn objects(body: &Value) -> Vec<Object> {
    let results = body.get("results").and_then(Value::as_array).into_iter().flatten();
    let objects = results.filter_map(|result| Object::deserialize(result).ok());
    objects.filter(|object| !object.id.is_empty()).collect()
}

/// The answer to a search.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) objects: Vec<Object>,
    /// How many there are on all pages.
    pub(crate) total: Option<u64>,
    /// Where the next page begins.
    pub(crate) next: Option<String>,
}

/// What a search found.
pub(crate) fn found(body: &Value) -> Found {
    Found { objects: objects(body), total: body.get("total").and_then(Value::as_u64), next: next_page(body) }
}

/// Where the next page begins.
pub(crate) fn next_page(body: &Value) -> Option<String> {
    body.pointer("/paging/next/after").and_then(Value::as_str).map(str::to_owned)
}

impl Object {
    /// By what it can be recognised as the answer to an input, the surest first; in lower case.
    pub(crate) fn names(&self) -> Vec<String> {
        let trace = self.object_write_trace_id.as_deref();
        let properties = [KEY, "email"].into_iter().filter_map(|name| self.text(name));
        // An object that is looked for by a secondary address shows its primary one.
        let others = self.text("hs_additional_emails").unwrap_or_default().split(';');
        let names = trace.into_iter().chain([self.id.as_str()]).chain(properties).chain(others);
        names.map(|name| name.trim().to_lowercase()).filter(|name| !name.is_empty()).collect()
    }

    /// The text of a property.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.properties.get(name)?.as_str().filter(|text| !text.is_empty())
    }

    /// Whether it was made by the write that it answers.
    pub(crate) fn is_new(&self) -> Option<bool> {
        self.new
    }

    /// When it last changed.
    pub(crate) fn modified_at(&self) -> Option<Timestamp> {
        Timestamp::parse(self.updated_at.as_deref()?)
    }

    /// When it was archived.
    pub(crate) fn archived_at(&self) -> Option<Timestamp> {
        Timestamp::parse(self.archived_at.as_deref()?)
    }

    /// The values of `fields`; those that it does not show are absent.
    pub(crate) fn shown<'a>(&self, fields: impl IntoIterator<Item = &'a String>) -> RemoteFields {
        let shown = fields.into_iter().filter_map(|name| {
            let value = value_of(self.properties.get(name)?);
            let is_note = [DEAL_NOTE, CALL_NOTE].contains(&name.as_str());
            Some((name.clone(), if is_note { mark::said(value) } else { value }))
        });
        shown.collect()
    }

    /// Our key where it stands in a text.
    pub(crate) fn noted_key(&self) -> Option<RecordId> {
        [DEAL_NOTE, CALL_NOTE].into_iter().find_map(|name| mark::take(self.text(name)?).1)
    }

    /// As the rest of the product knows it.
    pub(crate) fn to_remote(&self, fields: &[String]) -> RemoteObject {
        let time_of = |name: &String| {
            let newest = self.properties_with_history.get(name)?.first()?;
            Some((name.clone(), Timestamp::parse(newest.timestamp.as_deref()?)?))
        };
        RemoteObject {
            external_id: self.id.clone(),
            contact: None,
            key: self.text(KEY).and_then(|key| key.parse().ok()).or_else(|| self.noted_key()),
            fields: self.shown(fields),
            modified_at: self.modified_at(),
            field_times: fields.iter().filter_map(time_of).collect(),
        }
    }
}

/// Every value is shown as text; nothing is `null` or empty.
fn value_of(value: &Value) -> FieldValue {
    match value {
        Value::Null => FieldValue::Null,
        Value::String(text) => FieldValue::text(text),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => FieldValue::text(value.to_string()),
    }
}

/// Every value travels as text; empty text clears.
pub(crate) fn properties(fields: &RemoteFields) -> Map<String, Value> {
    fields.iter().map(|(name, value)| (name.clone(), Value::String(value.to_plain_text()))).collect()
}
