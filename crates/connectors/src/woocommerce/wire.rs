//! WooCommerce's bodies: only what we read of them, and values on their way in and out.

use domain::field::{FieldValue, RemoteFields};
use domain::kind::RecordKind;
use domain::link::RemoteObject;
use domain::time::Timestamp;
use serde_json::{Map, Value, json};

use super::KEY;
use crate::tree;

/// Under this name the account's custom fields are offered.
pub(crate) const CUSTOM: &str = "meta_data.";

/// Stock and totals are the shop's own: they are never written, whatever a mapping says.
const NEVER_WRITTEN: [&str; 24] = [
    "cart_tax",
    "date_completed_gmt",
    "date_created_gmt",
    "date_modified_gmt",
    "date_paid_gmt",
    "discount_tax",
    "discount_total",
    "id",
    "is_paying_customer",
    "low_stock_amount",
    "manage_stock",
    "number",
    "on_sale",
    "order_key",
    "price",
    "role",
    "shipping_tax",
    "shipping_total",
    "stock_quantity",
    "stock_status",
    "total",
    "total_sales",
    "total_tax",
    "version",
];

/// Amounts, which travel as text.
const MONEY: [&str; 10] = [
    "cart_tax",
    "discount_tax",
    "discount_total",
    "price",
    "regular_price",
    "sale_price",
    "shipping_tax",
    "shipping_total",
    "total",
    "total_tax",
];

/// Whether only the shop itself says what a field holds.
pub(crate) fn is_read_only(name: &str) -> bool {
    NEVER_WRITTEN.contains(&name)
}

/// Whether a field holds an amount.
pub(crate) fn is_money(name: &str) -> bool {
    MONEY.contains(&name)
}

/// The id of an object.
pub(crate) fn id_of(object: &Value) -> Option<String> {
    object.get("id").and_then(Value::as_u64).filter(|id| *id > 0).map(|id| id.to_string())
}

/// A time that the shop shows without a zone, in UTC by its name.
pub(crate) fn time_of(value: &Value) -> Option<Timestamp> {
    let text = value.as_str()?;
    Timestamp::parse(text).or_else(|| Timestamp::parse(&format!("{text}Z")))
}

pub(crate) fn modified_at(object: &Value) -> Option<Timestamp> {
    time_of(object.get("date_modified_gmt")?)
}

/// Whether an object lies in the shop's trash.
pub(crate) fn is_in_trash(object: &Value) -> bool {
    object.get("status").and_then(Value::as_str) == Some("trash")
}

/// The record whose write left its key here.
pub(crate) fn key_of(object: &Value) -> Option<&str> {
    custom(object, KEY)?.as_str()
}

fn custom<'a>(object: &'a Value, key: &str) -> Option<&'a Value> {
    let fields = object.get("meta_data").and_then(Value::as_array)?;
    fields.iter().find(|field| field.get("key").and_then(Value::as_str) == Some(key))?.get("value")
}

/// The values of `fields`; those that it does not show are absent.
pub(crate) fn shown<'a>(object: &Value, fields: impl IntoIterator<Item = &'a String>) -> RemoteFields {
    let shown = fields.into_iter().filter_map(|name| Some((name.clone(), value_of(object, name)?)));
    shown.collect()
}

fn value_of(object: &Value, name: &str) -> Option<FieldValue> {
    if let Some(key) = name.strip_prefix(CUSTOM) {
        // An object that shows its custom fields and not this one has nothing there.
        object.get("meta_data").and_then(Value::as_array)?;
        return custom(object, key).map_or(Some(FieldValue::Null), tree::read);
    }
    let value = tree::get(object, name)?;
    if is_money(name) {
        return tree::read_money(value);
    }
    if name.ends_with("_gmt") {
        return Some(time_of(value).map_or(FieldValue::Null, |at| FieldValue::text(at.to_string())));
    }
    tree::read(value)
}

/// As the rest of the product knows it.
pub(crate) fn to_remote(object: &Value, kind: RecordKind, fields: &[String]) -> Option<RemoteObject> {
    let customer = object.get("customer_id").and_then(Value::as_u64).filter(|id| *id > 0 && kind == RecordKind::Order);
    Some(RemoteObject {
        external_id: id_of(object)?,
        key: key_of(object).and_then(|key| key.parse().ok()),
        contact: customer.map(|id| id.to_string()),
        fields: shown(object, fields),
        modified_at: modified_at(object),
        ..RemoteObject::default()
    })
}

/// The body of a write. Amounts and nothing travel as text.
pub(crate) fn body(fields: &RemoteFields) -> Map<String, Value> {
    let mut body = Map::new();
    let mut customs = Vec::new();
    for (name, value) in fields.iter().filter(|(name, _)| !is_read_only(name)) {
        if let Some(key) = name.strip_prefix(CUSTOM) {
            customs.push(json!({"key": key, "value": tree::write(value)}));
        } else if is_money(name) {
            tree::set(&mut body, name, value.to_plain_text().into());
        } else {
            tree::set(&mut body, name, tree::write(value));
        }
    }
    if !customs.is_empty() {
        body.insert("meta_data".to_owned(), Value::Array(customs));
    }
    body
}

/// The top-level fields that a listing must show so that `fields` can be read.
pub(crate) fn asking_for(fields: &[String]) -> String {
    let roots = fields.iter().filter_map(|name| name.split('.').next());
    let mut all: Vec<&str> =
        ["id", "status", "date_modified_gmt", "meta_data", "customer_id"].into_iter().chain(roots).collect();
    all.sort_unstable();
    all.dedup();
    all.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(pairs: &[(&str, FieldValue)]) -> RemoteFields {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
    }

    #[test]
    fn nothing_of_stock_or_totals_is_ever_written() {
        let all = NEVER_WRITTEN.map(|name| (name, FieldValue::text("7")));
        assert!(body(&fields(&all)).is_empty());
    }

    #[test]
    fn what_is_written_is_shown_again() {
        let fields = fields(&[
            ("email", FieldValue::text("a@x.fr")),
            ("billing.city", FieldValue::text("Brest")),
            ("billing.phone", FieldValue::Null),
            ("regular_price", FieldValue::Number(serde_json::Number::from_f64(10.5).unwrap())),
            ("meta_data.tier", FieldValue::text("gold")),
        ]);
        let body = Value::Object(body(&fields));
        assert_eq!(body["regular_price"], "10.5");
        assert_eq!(shown(&body, fields.keys()), fields);
    }

    #[test]
    fn a_time_without_a_zone_is_read_as_what_its_name_says() {
        let order =
            json!({"id": 14, "date_created_gmt": "2026-11-22T16:41:40", "date_modified_gmt": null, "customer_id": 0});
        let object =
            to_remote(&order, RecordKind::Order, &["date_created_gmt".to_owned(), "total".to_owned()]).unwrap();
        assert_eq!(object.fields["date_created_gmt"], FieldValue::text("2026-11-22T16:41:40.000000Z"));
        assert!(!object.fields.contains_key("total"), "what is not shown says nothing");
        assert_eq!((object.contact, object.modified_at), (None, None));
    }
}
