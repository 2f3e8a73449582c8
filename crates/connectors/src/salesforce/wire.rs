//! Salesforce's rows: only what we read of them, and values on their way in and out.

use domain::field::{FieldValue, RemoteFields};
use domain::link::RemoteObject;
use domain::time::Timestamp;
use serde_json::{Map, Value};

use super::{KEY, NOTE, api};
use crate::{mark, values};

/// What every query asks for besides the mapped fields.
pub(crate) const ALWAYS: [&str; 2] = ["Id", "SystemModstamp"];

/// A row of a query, or of a collection that was read.
#[derive(Clone, Debug)]
pub(crate) struct Row<'a>(pub(crate) &'a Value);

/// The rows of a query's answer.
pub(crate) fn rows(body: &Value) -> impl Iterator<Item = Row<'_>> {
    body.get("records").and_then(Value::as_array).into_iter().flatten().map(Row)
}

/// Where a query goes on.
pub(crate) fn next(body: &Value) -> Option<String> {
    body.get("nextRecordsUrl").and_then(Value::as_str).map(str::to_owned)
}

impl Row<'_> {
    pub(crate) fn id(&self) -> Option<&str> {
        self.text("Id")
    }

    /// The text of a field; none where it is null.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    pub(crate) fn modified_at(&self) -> Option<Timestamp> {
        moment(self.text("SystemModstamp")?)
    }

    /// The values of `fields`; those that it does not show are absent.
    fn shown(&self, object: &str, fields: &[String]) -> RemoteFields {
        let shown = |name: &String| {
            let value = value_of(self.0.get(api::own_name(object, name))?);
            Some((name.clone(), if name == NOTE { mark::said(value) } else { value }))
        };
        fields.iter().filter_map(shown).collect()
    }

    /// As the rest of the product knows it; `None` for a row without an id.
    pub(crate) fn to_remote(&self, object: &str, fields: &[String]) -> Option<RemoteObject> {
        Some(RemoteObject {
            external_id: self.id()?.to_owned(),
            key: self.text(KEY).and_then(|key| key.parse().ok()).or_else(|| mark::take(self.text(NOTE)?).1),
            fields: self.shown(object, fields),
            contact: None,
            modified_at: self.modified_at(),
            field_times: std::iter::empty().collect(),
        })
    }
}

/// `2026-11-27T12:00:00.000+0000`, whose offset has no colon.
pub(crate) fn moment(text: &str) -> Option<Timestamp> {
    let with_colon = text.strip_suffix("+0000").map(|start| format!("{start}Z"));
    Timestamp::parse(with_colon.as_deref().unwrap_or(text))
}

/// Every number is shown with a fraction, `1500.0` among them, which is the 1500 that was written.
fn value_of(value: &Value) -> FieldValue {
    let text = value.as_number().map(ToString::to_string);
    let whole = text.as_deref().and_then(|text| text.strip_suffix(".0")).and_then(|text| text.parse::<i64>().ok());
    whole.map_or_else(|| values::value_of(value), |whole| FieldValue::Number(whole.into()))
}

/// Fields as they are written: numbers and yes or no as JSON has them where the field is one, an empty text as null.
pub(crate) fn fields(object: &str, fields: &RemoteFields, form: impl Fn(&str) -> Form) -> Map<String, Value> {
    let names = fields.iter().map(|(name, value)| (api::own_name(object, name), value));
    names.map(|(name, value)| (name.to_owned(), written(&value.to_plain_text(), form(name)))).collect()
}

/// What a field takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Text,
    Number,
    Bool,
}

fn written(text: &str, form: Form) -> Value {
    match (text, form) {
        ("", _) => Value::Null,
        (text, Form::Number) => values::number(text),
        (text, Form::Bool) => text.parse().map_or_else(|_| Value::String(text.to_owned()), Value::Bool),
        (text, Form::Text) => Value::String(text.to_owned()),
    }
}
