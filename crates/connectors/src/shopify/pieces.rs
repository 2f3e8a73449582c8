//! The values of a write, sorted by the change that they belong to. Stock and totals belong to none.

use domain::field::{FieldValue, RemoteFields};
use domain::kind::RecordKind;
use serde_json::{Map, Value, json};

use super::KEY;
use super::fields::{self, Part};
use crate::discovery::RemoteFieldType;

/// What a write changes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pieces {
    /// Of the object itself.
    pub(crate) own: Map<String, Value>,
    /// Of a customer's own address.
    pub(crate) address: Map<String, Value>,
    /// Of a product's first variant.
    pub(crate) variant: Map<String, Value>,
    /// The metafields that are set …
    metafields: Vec<Value>,
    /// … and those that are taken away, as namespace and key.
    pub(crate) cleared: Vec<(String, String)>,
}

impl Pieces {
    /// Of an object that is there.
    pub(crate) fn of(kind: RecordKind, fields: &RemoteFields) -> Self {
        let mut pieces = Self::default();
        for (name, value) in fields {
            if let Some((namespace, key)) = fields::metafield(name) {
                if value.is_null() {
                    pieces.cleared.push((namespace.to_owned(), key.to_owned()));
                } else {
                    pieces.metafields.push(json!({"namespace": namespace, "key": key, "value": text_of(value)}));
                }
                continue;
            }
            let Some(field) = fields::find(kind, name) else { continue };
            let value = written(field.holds, value);
            match field.written {
                Part::None => {}
                Part::Own(name) => drop(pieces.own.insert(name.to_owned(), value)),
                Part::Address(name) => drop(pieces.address.insert(name.to_owned(), value)),
                Part::Variant("sku") => drop(pieces.variant.insert("inventoryItem".to_owned(), json!({"sku": value}))),
                Part::Variant(name) => drop(pieces.variant.insert(name.to_owned(), value)),
            }
        }
        pieces.name_metafields();
        pieces
    }

    /// Of a new one, which carries our key and has nothing to clear.
    pub(crate) fn of_new(kind: RecordKind, fields: &RemoteFields, key: Option<&str>) -> Self {
        let mut fields = fields.clone();
        fields.retain(|_, value| !value.is_null());
        let mut pieces = Self::of(kind, &fields);
        if let Some(key) = key {
            let (namespace, name) = KEY;
            pieces.metafields.push(json!({"namespace": namespace, "key": name, "type": "id", "value": key}));
            pieces.name_metafields();
        }
        pieces
    }

    fn name_metafields(&mut self) {
        if !self.metafields.is_empty() {
            self.own.insert("metafields".to_owned(), Value::Array(self.metafields.clone()));
        }
    }
}

/// A value as documents take it: amounts as text, nothing as nothing.
fn written(holds: RemoteFieldType, value: &FieldValue) -> Value {
    match value {
        FieldValue::Null => Value::Null,
        FieldValue::Bool(yes) => Value::Bool(*yes),
        FieldValue::Text(text) if holds == RemoteFieldType::Bool => Value::Bool(text == "true"),
        FieldValue::Number(_) | FieldValue::Text(_) | FieldValue::List(_) => Value::String(value.to_plain_text()),
    }
}

/// Metafields hold texts, whatever they are of.
fn text_of(value: &FieldValue) -> String {
    if let FieldValue::List(items) = value { Value::from(items.clone()).to_string() } else { value.to_plain_text() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(pairs: &[(&str, FieldValue)]) -> RemoteFields {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
    }

    #[test]
    fn nothing_of_stock_or_totals_is_ever_written() {
        let seven = || FieldValue::text("7");
        let order = [("total", seven()), ("currentTotal", seven()), ("displayFinancialStatus", seven())];
        assert!(Pieces::of(RecordKind::Order, &fields(&order)).own.is_empty());
        let product = Pieces::of(RecordKind::Product, &fields(&[("totalInventory", seven())]));
        assert!(product.own.is_empty() && product.variant.is_empty());
    }

    #[test]
    fn each_value_goes_where_it_belongs() {
        let all = fields(&[
            ("email", FieldValue::text("a@x.fr")),
            ("defaultAddress.city", FieldValue::text("Brest")),
            ("metafields.custom.tier", FieldValue::text("gold")),
            ("metafields.custom.old", FieldValue::Null),
            ("note", FieldValue::Null),
        ]);
        let pieces = Pieces::of(RecordKind::Contact, &all);
        let tier = json!([{"namespace": "custom", "key": "tier", "value": "gold"}]);
        assert_eq!(Value::Object(pieces.own), json!({"email": "a@x.fr", "note": null, "metafields": tier}));
        assert_eq!(Value::Object(pieces.address), json!({"city": "Brest"}));
        assert_eq!(pieces.cleared, [("custom".to_owned(), "old".to_owned())]);
        let new = Pieces::of_new(RecordKind::Contact, &all, Some("rec_1"));
        assert!(new.cleared.is_empty() && !new.own.contains_key("note"));
        assert_eq!(new.own["metafields"].as_array().map(Vec::len), Some(2));
        let mug = fields(&[("variant.sku", FieldValue::text("T-1")), ("variant.price", FieldValue::text("10.50"))]);
        let mug = Pieces::of(RecordKind::Product, &mug);
        assert_eq!(Value::Object(mug.variant), json!({"inventoryItem": {"sku": "T-1"}, "price": "10.50"}));
    }
}
