//! What fields a shop has: its own description of them, and the custom fields that its objects hold.

use std::collections::BTreeSet;

use async_trait::async_trait;
use domain::kind::RecordKind;
use reqwest::Method;
use serde_json::Value;

use super::{BATCH, WooCommerce, api, read, wire};
use crate::account::Account;
use crate::discovery::{Discovery, RemoteField, RemoteFieldType, RemoteOption};
use crate::error::ConnectorError;
use crate::http::Call;

#[async_trait]
impl Discovery for WooCommerce {
    /// Of custom fields a shop keeps no list: those that its latest objects hold are offered.
    async fn fields(&self, account: &Account, kind: RecordKind) -> Result<Vec<RemoteField>, ConnectorError> {
        let answer = api::send(account, Call::new(Method::OPTIONS, &[&api::objects(kind, "")?])).await?;
        let mut fields = described(answer.body.pointer("/schema/properties"), "", false);
        let latest =
            read::listing(kind, &[])?.with("per_page", BATCH.to_string()).with("orderby", "id").with("order", "desc");
        fields.extend(customs(&api::list(account, latest).await?.0));
        Ok(fields)
    }
}

/// The fields of a JSON schema, those of the objects in it under names with dots. Lists are no fields.
fn described(properties: Option<&Value>, prefix: &str, read_only: bool) -> Vec<RemoteField> {
    let mut fields = Vec::new();
    let named = properties.and_then(Value::as_object).into_iter().flatten().filter(|(name, _)| !name.is_empty());
    for (name, property) in named {
        let full = format!("{prefix}{name}");
        let is_read_only = read_only
            || property.get("readonly").and_then(Value::as_bool).unwrap_or(false)
            || wire::is_read_only(&full);
        let kind = property.get("type").and_then(Value::as_str).unwrap_or_default();
        if kind == "object" {
            fields.extend(described(property.get("properties"), &format!("{full}."), is_read_only));
        } else if kind != "array" && is_offered(&full) {
            fields.push(field(full, property, kind, is_read_only));
        }
    }
    fields
}

/// The site's own times say what the ones in UTC say better, and a password is nobody's.
fn is_offered(name: &str) -> bool {
    let is_local = name.starts_with("date_") && !name.ends_with("_gmt");
    !is_local && !matches!(name, "password" | "post_password" | "set_paid" | "price_html" | "manual_update")
}

fn field(name: String, property: &Value, kind: &str, read_only: bool) -> RemoteField {
    let words = property.get("enum").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let options: Vec<RemoteOption> =
        words.map(|word| RemoteOption { value: word.to_owned(), label: word.to_owned() }).collect();
    let field_type = match kind {
        _ if name.ends_with("phone") => RemoteFieldType::Phone,
        _ if name.ends_with("_gmt") => RemoteFieldType::DateTime,
        _ if wire::is_money(&name) => RemoteFieldType::Number,
        // A status of a plugin's own is a word, too.
        _ if !options.is_empty() && name != "status" => RemoteFieldType::Choice,
        "string" => RemoteFieldType::Text,
        "integer" | "number" => RemoteFieldType::Number,
        "boolean" | "bool" => RemoteFieldType::Bool,
        "date-time" => RemoteFieldType::DateTime,
        _ => RemoteFieldType::Other,
    };
    RemoteField {
        label: name.replace('_', " ").replace('.', " › "),
        options: if field_type == RemoteFieldType::Choice { options } else { Vec::new() },
        unique: matches!(name.as_str(), "email" | "sku" | "id"),
        field_type,
        read_only,
        custom: false,
        name,
    }
}

/// Custom fields that hold one value. Those that begin with a dash below are plugins' own affair.
fn customs(objects: &[Value]) -> Vec<RemoteField> {
    let fields = objects.iter().filter_map(|object| object.get("meta_data").and_then(Value::as_array)).flatten();
    let plain = fields.filter(|field| field.get("value").is_some_and(|value| !value.is_object() && !value.is_array()));
    let keys: BTreeSet<&str> =
        plain.filter_map(|field| field.get("key")?.as_str()).filter(|key| !key.starts_with('_')).collect();
    let custom = |key: &str| RemoteField {
        name: format!("{}{key}", wire::CUSTOM),
        label: key.to_owned(),
        field_type: RemoteFieldType::Text,
        options: Vec::new(),
        read_only: false,
        unique: false,
        custom: true,
    };
    keys.into_iter().map(custom).collect()
}
