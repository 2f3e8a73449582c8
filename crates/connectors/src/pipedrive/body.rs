//! Bodies: values on their way out, each in the form that its field takes. What comes back is `wire`'s.

use domain::field::{FieldValue, RemoteFields};
use domain::id::RecordId;
use domain::kind::RecordKind;
use serde_json::{Map, Value, json};

use super::schema::Schema;
use super::wire::{self, Object};
use super::{activity, deal, person};
use crate::values::number;

/// What a create sends.
pub(crate) fn new(kind: RecordKind, fields: &RemoteFields, schema: &Schema, key: RecordId) -> Map<String, Value> {
    let mut body = unkeyed(kind, fields, schema);
    put_key(kind, schema.key.as_deref(), key, &mut body);
    body
}

/// The same without our key.
pub(crate) fn unkeyed(kind: RecordKind, fields: &RemoteFields, schema: &Schema) -> Map<String, Value> {
    // A new object has nothing to clear.
    let fields: RemoteFields = fields
        .iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let mut body = plain(kind, &fields, schema);
    match kind {
        RecordKind::Contact => {
            person::write(&fields, &Map::new(), &mut body);
            body.entry("name").or_insert_with(|| json!(person::stand_in(&fields, "")));
        }
        RecordKind::Activity => {
            activity::begin(&mut body);
            activity::write(&fields, None, &mut body);
        }
        RecordKind::Deal | RecordKind::Product | RecordKind::Order => {}
    }
    body
}

/// Puts our key into what is written: into the account's field for it, where it has one, or else into the text.
pub(crate) fn put_key(kind: RecordKind, field: Option<&str>, key: RecordId, body: &mut Map<String, Value>) {
    match (kind, field) {
        (RecordKind::Activity, _) => activity::put_key(body, key),
        (_, Some(code)) => own(body, code, json!(key.to_string())),
        (RecordKind::Deal, None) => deal::put_key(body, key),
        // People are known by their address.
        (RecordKind::Contact | RecordKind::Product | RecordKind::Order, None) => {}
    }
}

/// Whether objects of a kind carry our key in their text in this account.
pub(crate) fn is_noted(kind: RecordKind, schema: &Schema) -> bool {
    match kind {
        RecordKind::Activity => true,
        RecordKind::Deal => schema.key.is_none(),
        RecordKind::Contact | RecordKind::Product | RecordKind::Order => false,
    }
}

/// What an update sends; `current` is what is there now, where it takes that.
pub(crate) fn change(
    kind: RecordKind,
    fields: &RemoteFields,
    schema: &Schema,
    current: Option<&Object>,
) -> Map<String, Value> {
    let mut body = plain(kind, fields, schema);
    let none = Map::new();
    let now = current.map_or(&none, |object| &object.body);
    match kind {
        RecordKind::Contact => person::write(fields, now, &mut body),
        RecordKind::Activity => activity::write(fields, activity::key(now), &mut body),
        RecordKind::Deal => {
            // It leaves the title for the account's field, where there is one by now.
            if let Some(key) = deal::key(now) {
                put_key(kind, schema.key.as_deref(), key, &mut body);
            }
        }
        RecordKind::Product | RecordKind::Order => {}
    }
    body
}

/// Whether it takes what is there now to write these.
pub(crate) fn needs_current(kind: RecordKind, fields: &RemoteFields) -> bool {
    match kind {
        RecordKind::Contact => person::needs_current(fields),
        RecordKind::Activity => activity::needs_current(fields),
        RecordKind::Deal => deal::needs_current(fields),
        RecordKind::Product | RecordKind::Order => false,
    }
}

/// All that is not peculiar to its kind.
fn plain(kind: RecordKind, fields: &RemoteFields, schema: &Schema) -> Map<String, Value> {
    let mut body = Map::new();
    let is_peculiar = |name: &str| match kind {
        RecordKind::Contact => person::OFFERED.iter().any(|(ours, ..)| *ours == name),
        RecordKind::Activity => activity::OFFERED.iter().any(|(ours, ..)| *ours == name),
        RecordKind::Deal | RecordKind::Product | RecordKind::Order => false,
    };
    for (name, value) in fields.iter().filter(|(name, _)| !is_peculiar(name)) {
        if wire::is_own(name) {
            let sort = schema.types.get(name).map_or("varchar", String::as_str);
            own(&mut body, name, in_form(sort, value));
        } else {
            body.insert(name.clone(), in_form(sort_of(name), value));
        }
    }
    body
}

/// Puts a value among the fields of an account's own.
fn own(body: &mut Map<String, Value>, code: &str, value: Value) {
    let all = body.entry("custom_fields").or_insert_with(|| json!({}));
    if let Some(all) = all.as_object_mut() {
        all.insert(code.to_owned(), value);
    }
}

/// What the fields hold that every account has, in the words that Pipedrive has for those of an account's own.
fn sort_of(name: &str) -> &'static str {
    match name {
        "owner_id" | "org_id" | "person_id" | "deal_id" | "pipeline_id" | "stage_id" | "visible_to" | "probability"
        | "priority" => "int",
        "value" => "double",
        "done" | "busy" | "is_archived" => "boolean",
        "expected_close_date" | "birthday" => "date",
        "label_ids" => "set",
        "postal_address" | "location" => "address",
        _ => "varchar",
    }
}

/// A value in the form that a field of that sort takes. What cannot be brought into it is sent as it is, and refused there.
fn in_form(sort: &str, value: &FieldValue) -> Value {
    if value.is_null() {
        return Value::Null;
    }
    let text = value.to_plain_text();
    match sort {
        "int" | "double" | "enum" | "org" | "people" | "user" | "stage" | "deal" | "lead" | "project" | "activity" => {
            number(&text)
        }
        "boolean" => text.parse().map_or(Value::String(text), Value::Bool),
        "set" => text.split(';').map(|part| number(part.trim())).collect(),
        "date" => Value::String(text.chars().take(10).collect()),
        "address" => json!({"value": text}),
        _ => Value::String(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &str = "dcf558aac1ae4e8c4f849ba5e668430d8df9be12";

    #[test]
    fn each_value_takes_the_form_of_its_field() {
        let schema = Schema { key: None, types: [(OWN.to_owned(), "set".to_owned())].into() };
        let text = |name: &str, value: &str| (name.to_owned(), FieldValue::text(value));
        let fields = RemoteFields::from([
            text("title", "Rendez-vous"),
            text("expected_close_date", "2026-11-27T09:30:00.000000Z"),
            text("stage_id", "4"),
            text("value", "49.90"),
            text("lost_reason", ""),
            text(OWN, "3;5"),
        ]);
        let body = change(RecordKind::Deal, &fields, &schema, None);
        let expected = json!({"title": "Rendez-vous", "expected_close_date": "2026-11-27", "stage_id": 4, "value": 49.90,
                              "lost_reason": null, "custom_fields": {OWN: [3, 5]}});
        assert_eq!(Value::Object(body), expected);
    }

    #[test]
    fn a_new_object_carries_our_key_and_nothing_empty() {
        let key: RecordId = "rec_01jd0000000000000000000000".parse().unwrap();
        let schema = Schema { key: Some(OWN.to_owned()), ..Schema::default() };
        let fields = RemoteFields::from([
            ("email".to_owned(), FieldValue::text("zoe@x.fr")),
            ("job_title".to_owned(), FieldValue::Null),
        ]);
        let body = Value::Object(new(RecordKind::Contact, &fields, &schema, key));
        let email = json!([{"value": "zoe@x.fr", "primary": true, "label": "work"}]);
        assert_eq!(body, json!({"name": "zoe@x.fr", "emails": email, "custom_fields": {OWN: key.to_string()}}));
    }
}
