//! Pipedrive's answers: only what we read of them, and values on their way in. What is sent is `body`'s.

use std::collections::BTreeMap;

use domain::field::{FieldValue, RemoteFields};
use domain::id::RecordId;
use domain::kind::RecordKind;
use domain::link::RemoteObject;
use domain::time::Timestamp;
use serde_json::{Map, Value};

use super::schema::Schema;
use super::{activity, deal, person};
use crate::values::{id_of, value_of};

/// A person, deal or activity as every endpoint of version 2 shows it.
#[derive(Clone, Debug)]
pub(crate) struct Object {
    pub(crate) id: String,
    pub(crate) body: Map<String, Value>,
}

/// The rows of a list.
pub(crate) fn rows(body: &Value) -> &[Value] {
    body.get("data").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// The objects of a list; what is not of their form is left out, and so counts as not answered.
pub(crate) fn objects(body: &Value) -> Vec<Object> {
    rows(body).iter().filter_map(Object::read).collect()
}

/// The one object of an answer.
pub(crate) fn object(body: &Value) -> Option<Object> {
    Object::read(body.get("data")?)
}

/// Where the next page begins.
pub(crate) fn next(body: &Value) -> Option<String> {
    body.pointer("/additional_data/next_cursor").and_then(Value::as_str).map(str::to_owned)
}

/// The ids of what a search found.
pub(crate) fn hits(body: &Value) -> Vec<u64> {
    let items = body.pointer("/data/items").and_then(Value::as_array).into_iter().flatten();
    items.filter_map(|item| item.pointer("/item/id").and_then(Value::as_u64)).collect()
}

/// The code of a field that an account made itself: 40 hexadecimal digits.
pub(crate) fn is_own(code: &str) -> bool {
    code.len() == 40 && code.bytes().all(|byte| byte.is_ascii_hexdigit())
}

impl Object {
    fn read(value: &Value) -> Option<Self> {
        Some(Self { id: id_of(value.get("id")?)?, body: value.as_object()?.clone() })
    }

    /// Whether it is still there: for a while, what was deleted can be read.
    pub(crate) fn is_there(&self) -> bool {
        self.body.get("is_deleted") != Some(&Value::Bool(true))
    }

    pub(crate) fn modified_at(&self) -> Option<Timestamp> {
        self.time("update_time")
    }

    pub(crate) fn made_at(&self) -> Option<Timestamp> {
        self.time("add_time")
    }

    fn time(&self, name: &str) -> Option<Timestamp> {
        Timestamp::parse(self.body.get(name)?.as_str()?)
    }

    /// Our key, where a create of ours left it.
    pub(crate) fn key(&self, kind: RecordKind, schema: &Schema) -> Option<RecordId> {
        let in_its_field = || -> Option<RecordId> { self.own(schema.key.as_deref()?)?.as_str()?.trim().parse().ok() };
        match kind {
            RecordKind::Activity => activity::key(&self.body),
            RecordKind::Deal => in_its_field().or_else(|| deal::key(&self.body)),
            RecordKind::Contact | RecordKind::Product | RecordKind::Order => in_its_field(),
        }
    }

    fn own(&self, code: &str) -> Option<&Value> {
        self.body.get("custom_fields")?.get(code)
    }

    /// The value of a field; `None` where it is not shown.
    fn field(&self, kind: RecordKind, name: &str) -> Option<FieldValue> {
        let peculiar = match kind {
            RecordKind::Contact => person::shown(&self.body, name),
            RecordKind::Activity => activity::shown(&self.body, name),
            RecordKind::Deal => deal::shown(&self.body, name),
            RecordKind::Product | RecordKind::Order => None,
        };
        peculiar.or_else(|| {
            let shown = if is_own(name) { self.own(name) } else { self.body.get(name) };
            shown.map(value_of)
        })
    }

    /// The values of `fields`; those that it does not show are absent.
    pub(crate) fn shown<'a>(&self, kind: RecordKind, fields: impl IntoIterator<Item = &'a String>) -> RemoteFields {
        fields.into_iter().filter_map(|name| Some((name.clone(), self.field(kind, name)?))).collect()
    }

    /// As the rest of the product knows it.
    pub(crate) fn to_remote(&self, kind: RecordKind, schema: &Schema, fields: &[String]) -> RemoteObject {
        RemoteObject {
            external_id: self.id.clone(),
            key: self.key(kind, schema),
            contact: None,
            fields: self.shown(kind, fields),
            modified_at: self.modified_at(),
            field_times: BTreeMap::new(),
        }
    }
}
