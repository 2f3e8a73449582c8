//! Zendesk's answers: only what we read of them.

use std::collections::BTreeMap;

use domain::field::RemoteFields;
use domain::id::RecordId;
use domain::kind::RecordKind;
use domain::link::RemoteObject;
use domain::time::Timestamp;
use serde_json::{Map, Value};

use super::{ticket, user};
use crate::values::id_of;

/// A user or ticket.
#[derive(Clone, Debug)]
pub(crate) struct Object {
    pub(crate) id: String,
    pub(crate) body: Map<String, Value>,
}

/// The objects of a list; what is not of their form is left out, and so counts as not answered.
pub(crate) fn objects(body: &Value, name: &str) -> Vec<Object> {
    let rows = body.get(name).and_then(Value::as_array).into_iter().flatten();
    rows.filter_map(Object::read).collect()
}

/// The one object of an answer.
pub(crate) fn object(body: &Value, name: &str) -> Option<Object> {
    Object::read(body.get(name)?)
}

/// Where the next page of a list with cursors begins.
pub(crate) fn next(body: &Value) -> Option<String> {
    let more = body.pointer("/meta/has_more") == Some(&Value::Bool(true));
    body.pointer("/meta/after_cursor").and_then(Value::as_str).filter(|_| more).map(str::to_owned)
}

impl Object {
    fn read(value: &Value) -> Option<Self> {
        Some(Self { id: id_of(value.get("id")?)?, body: value.as_object()?.clone() })
    }

    /// Whether it is still there: what was deleted is shown for a while.
    pub(crate) fn is_there(&self) -> bool {
        self.body.get("active") != Some(&Value::Bool(false)) && self.text("status") != "deleted"
    }

    pub(crate) fn text(&self, name: &str) -> &str {
        self.body.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    pub(crate) fn modified_at(&self) -> Option<Timestamp> {
        Timestamp::parse(self.text("updated_at"))
    }

    /// Our key, where a create of ours left it.
    pub(crate) fn key(&self) -> Option<RecordId> {
        self.text("external_id").parse().ok()
    }

    /// The values of `fields`; those that it does not show are absent.
    pub(crate) fn shown<'a>(&self, kind: RecordKind, fields: impl IntoIterator<Item = &'a String>) -> RemoteFields {
        let value = |name: &str| match kind {
            RecordKind::Contact => user::shown(&self.body, name),
            RecordKind::Activity => ticket::shown(&self.body, name),
            RecordKind::Deal | RecordKind::Product | RecordKind::Order => None,
        };
        fields.into_iter().filter_map(|name| Some((name.clone(), value(name)?))).collect()
    }

    /// As the rest of the product knows it.
    pub(crate) fn to_remote(&self, kind: RecordKind, fields: &[String]) -> RemoteObject {
        RemoteObject {
            external_id: self.id.clone(),
            key: self.key(),
            fields: self.shown(kind, fields),
            contact: None,
            modified_at: self.modified_at(),
            field_times: BTreeMap::new(),
        }
    }
}
