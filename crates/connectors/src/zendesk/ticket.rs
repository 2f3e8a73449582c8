//! A call, as a ticket of the person who called or as a note in the one that is open already.

use domain::field::{FieldValue, RemoteFields};
use domain::id::RecordId;
use serde_json::{Map, Value, json};

use super::{CALLS, COMMENTS};
use crate::account::Account;
use crate::values::{number, value_of};

/// What was said: on a new ticket its first comment, later one more.
pub(crate) const COMMENT: &str = "comment";

/// Before the id of a field of an account's own.
pub(crate) const OWN: &str = "custom_fields.";

/// How a call is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// As a ticket of its own.
    Ticket,
    /// As an internal note in the newest ticket of the person that is open; as a ticket of its own where there is none.
    Comment,
}

/// What the tenant has chosen.
pub(crate) fn form(account: &Account) -> Form {
    match account.option(CALLS) {
        Some(COMMENTS) => Form::Comment,
        Some(_) | None => Form::Ticket,
    }
}

/// The value of a field; `None` where the body does not show it. Comments are not shown with their ticket.
pub(crate) fn shown(body: &Map<String, Value>, name: &str) -> Option<FieldValue> {
    let Some(id) = name.strip_prefix(OWN) else { return body.get(name).map(value_of).filter(|_| name != COMMENT) };
    let own = body.get("custom_fields")?.as_array()?;
    let id = number(id);
    let field = own.iter().find(|field| field.get("id") == Some(&id))?;
    field.get("value").map(value_of)
}

/// What a create or an update sends.
pub(crate) fn body(fields: &RemoteFields) -> Map<String, Value> {
    let mut body = Map::new();
    let mut own = Vec::new();
    for (name, value) in fields {
        let written = serde_json::to_value(value).unwrap_or_default();
        if let Some(id) = name.strip_prefix(OWN) {
            own.push(json!({"id": number(id), "value": written}));
        } else if name == COMMENT {
            if !value.is_null() {
                body.insert(COMMENT.to_owned(), note(&value.to_plain_text()));
            }
        } else {
            body.insert(name.clone(), written);
        }
    }
    if !own.is_empty() {
        body.insert("custom_fields".to_owned(), Value::Array(own));
    }
    body
}

/// What a new ticket sends: no ticket is without a first comment.
pub(crate) fn new(fields: &RemoteFields, key: RecordId, requester: Option<&str>) -> Map<String, Value> {
    let mut body = body(fields);
    let subject = body.get("subject").and_then(Value::as_str).unwrap_or("…").to_owned();
    body.entry(COMMENT).or_insert_with(|| note(&subject));
    body.insert("external_id".to_owned(), json!(key.to_string()));
    if let Some(requester) = requester {
        body.insert("requester_id".to_owned(), number(requester));
    }
    body
}

/// A call in a ticket that is there already: a note that only agents see, with our key at its end.
pub(crate) fn remark(fields: &RemoteFields, key: RecordId) -> Value {
    let text = |name: &str| fields.get(name).map(FieldValue::to_plain_text).filter(|text| !text.is_empty());
    let parts = [text("subject"), text(COMMENT), Some(mark(key))];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    json!({ COMMENT: note(&parts.join("\n\n")) })
}

/// By what a note of ours is found again.
pub(crate) fn mark(key: RecordId) -> String {
    format!("Coccinelle: {key}")
}

fn note(text: &str) -> Value {
    json!({"body": text, "public": false})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_a_ticket_with_an_internal_note_or_such_a_note_alone() {
        let key: RecordId = "rec_01jd0000000000000000000000".parse().unwrap();
        let text = |name: &str, value: &str| (name.to_owned(), FieldValue::text(value));
        let fields = RemoteFields::from([
            text("subject", "Appel"),
            text(COMMENT, "Rappeler"),
            text("custom_fields.360", "gold"),
        ]);
        let expected = json!({"subject": "Appel", "comment": {"body": "Rappeler", "public": false},
                              "custom_fields": [{"id": 360, "value": "gold"}], "external_id": key.to_string(),
                              "requester_id": 42});
        assert_eq!(Value::Object(new(&fields, key, Some("42"))), expected);
        let remark = remark(&fields, key);
        assert_eq!(remark["comment"]["body"], format!("Appel\n\nRappeler\n\nCoccinelle: {key}"));
        let bare = new(&RemoteFields::from([text("subject", "Appel")]), key, None);
        assert_eq!(bare["comment"]["body"], "Appel");
    }
}
