//! An object as Zendesk shows it.

use serde_json::{Map, Value, json};

use super::site::USERS;
use crate::{
    clock::{self, Millis},
    store::Object,
};

/// As it is now. What is kept beside it, such as a ticket's comments, has paths of its own.
pub(crate) fn whole(kind: &str, object: &Object) -> Value {
    at(kind, object, object.fields())
}

/// With these fields, which it may have held a while ago.
pub(crate) fn at(kind: &str, object: &Object, fields: &Map<String, Value>) -> Value {
    let mut shown = fields.clone();
    for hidden in ["comments", "others", "google"] {
        shown.remove(hidden);
    }
    shown.insert("id".to_owned(), json!(object.id));
    shown.insert("created_at".to_owned(), json!(seconds(object.created_at)));
    shown.insert("updated_at".to_owned(), json!(seconds(object.removed_at.unwrap_or(object.updated_at()))));
    if kind == USERS {
        shown.insert("active".to_owned(), json!(object.removed_at.is_none()));
    } else if object.removed_at.is_some() {
        shown.insert("status".to_owned(), json!("deleted"));
    }
    Value::Object(shown)
}

/// Without fractions, as Zendesk writes times.
pub(crate) fn seconds(at: Millis) -> String {
    let text = clock::iso(at);
    text.split_once('.').map_or(text.clone(), |(whole, _)| format!("{whole}Z"))
}
