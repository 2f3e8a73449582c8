//! What is selected of an object, and what is read of it.

use domain::field::{FieldValue, RemoteFields};
use domain::kind::RecordKind;
use domain::link::RemoteObject;
use domain::time::Timestamp;
use serde_json::Value;

use super::fields::{self, Field};
use super::{KEY, api};
use crate::discovery::RemoteFieldType;
use crate::tree;

/// The selection of an object that shows these fields. A field that Shopify does not have is not asked for.
pub(crate) fn selection<'a>(kind: RecordKind, names: impl Iterator<Item = &'a String> + Clone) -> String {
    let (namespace, key) = KEY;
    let mut all = vec![
        "id".to_owned(),
        "updatedAt".to_owned(),
        format!("key: metafield(namespace: {}, key: {}) {{ value }}", api::quoted(namespace), api::quoted(key)),
    ];
    if kind == RecordKind::Order {
        all.push("customer { id }".to_owned());
    }
    all.extend(names.clone().filter_map(|name| fields::find(kind, name)).map(|field| field.select.to_owned()));
    all.extend(names.filter_map(|name| {
        let (namespace, key) = fields::metafield(name)?;
        let (alias, namespace, key) = (alias(name), api::quoted(namespace), api::quoted(key));
        Some(format!("{alias}: metafield(namespace: {namespace}, key: {key}) {{ jsonValue }}"))
    }));
    all.sort_unstable();
    all.dedup();
    all.join(" ")
}

/// What a metafield is called in an answer: a name of letters and digits that no other metafield has.
fn alias(name: &str) -> String {
    name.bytes().fold("m_".to_owned(), |alias, byte| format!("{alias}{byte:02x}"))
}

/// The id of an object, without what says that it is Shopify's.
pub(crate) fn id_of(object: &Value) -> Option<String> {
    short(object.get("id")?.as_str()?)
}

/// The end of a global id.
pub(crate) fn short(gid: &str) -> Option<String> {
    let id = gid.rsplit('/').next()?;
    (!id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit())).then(|| id.to_owned())
}

pub(crate) fn modified_at(object: &Value) -> Option<Timestamp> {
    Timestamp::parse(object.get("updatedAt")?.as_str()?)
}

/// As the rest of the product knows it.
pub(crate) fn to_remote(object: &Value, kind: RecordKind, names: &[String]) -> Option<RemoteObject> {
    let customer = object.pointer("/customer/id").and_then(Value::as_str).filter(|_| kind == RecordKind::Order);
    Some(RemoteObject {
        external_id: id_of(object)?,
        key: object.pointer("/key/value").and_then(Value::as_str).and_then(|key| key.parse().ok()),
        contact: customer.and_then(short),
        fields: shown(object, kind, names.iter()),
        modified_at: modified_at(object),
        ..RemoteObject::default()
    })
}

/// The values of these fields; those that it does not show are absent.
pub(crate) fn shown<'a>(object: &Value, kind: RecordKind, names: impl Iterator<Item = &'a String>) -> RemoteFields {
    names.filter_map(|name| Some((name.clone(), value_of(object, kind, name)?))).collect()
}

fn value_of(object: &Value, kind: RecordKind, name: &str) -> Option<FieldValue> {
    if fields::metafield(name).is_some() {
        let metafield = object.get(alias(name))?;
        return metafield.get("jsonValue").map_or(Some(FieldValue::Null), tree::read);
    }
    let field = fields::find(kind, name)?;
    match object.pointer(field.at) {
        Some(value) => read(field, value),
        // A customer without an address holds nothing in it, and says so.
        None => is_absent(object, field.at).then_some(FieldValue::Null),
    }
}

fn read(field: &Field, value: &Value) -> Option<FieldValue> {
    match field.holds {
        RemoteFieldType::Number => tree::read_money(value),
        RemoteFieldType::DateTime => {
            let at = value.as_str().and_then(Timestamp::parse);
            Some(at.map_or(FieldValue::Null, |at| FieldValue::text(at.to_string())))
        }
        RemoteFieldType::Text
        | RemoteFieldType::Date
        | RemoteFieldType::Bool
        | RemoteFieldType::Choice
        | RemoteFieldType::Phone
        | RemoteFieldType::Other => tree::read(value),
    }
}

/// Whether something on the way to a value was answered, and is nothing.
fn is_absent(object: &Value, at: &str) -> bool {
    let mut on_the_way = at.match_indices('/').skip(1).filter_map(|(end, _)| at.get(..end));
    on_the_way.any(|part| {
        let value = object.pointer(part);
        value.is_some_and(|value| value.is_null() || value.as_array().is_some_and(Vec::is_empty))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn names(all: &[&str]) -> Vec<String> {
        all.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn only_what_shopify_has_is_asked_for_and_a_name_cannot_leave_its_quotes() {
        let names = names(&["email", "nonsense", "metafields.custom.a\") { id } x: metafield(namespace: \"b"]);
        let selection = selection(RecordKind::Contact, names.iter());
        assert!(selection.contains("defaultEmailAddress{emailAddress}") && !selection.contains("nonsense"));
        assert!(selection.contains(r#"key: "a\") { id } x: metafield(namespace: \"b")"#), "{selection}");
    }

    #[test]
    fn what_is_answered_is_read_and_what_lies_in_nothing_is_nothing() {
        let names =
            names(&["email", "defaultAddress.city", "numberOfOrders", "createdAt", "note", "metafields.custom.tier"]);
        let object = json!({
            "id": "gid://shopify/Customer/7001", "updatedAt": "2026-11-22T10:00:00Z", "key": null,
            "defaultEmailAddress": {"emailAddress": "a@x.fr"}, "defaultAddress": null, "numberOfOrders": "3",
            "createdAt": "2026-11-22T10:00:00Z", alias("metafields.custom.tier"): {"jsonValue": "gold"},
        });
        let remote = to_remote(&object, RecordKind::Contact, &names).unwrap();
        assert_eq!((remote.external_id.as_str(), remote.key), ("7001", None));
        assert_eq!(remote.fields["email"], FieldValue::text("a@x.fr"));
        assert_eq!(remote.fields["defaultAddress.city"], FieldValue::Null);
        assert_eq!(remote.fields["metafields.custom.tier"], FieldValue::text("gold"));
        assert!(!remote.fields.contains_key("note"), "what is not answered says nothing");
    }
}
