//! Fields: what an account has, as its mapping page shows it.

use async_trait::async_trait;
use domain::kind::RecordKind;
use serde::Deserialize;
use serde_json::Value;

use super::{Pipedrive, activity, api, person, wire};
use crate::account::Account;
use crate::discovery::{Discovery, RemoteField, RemoteFieldType, RemoteOption};
use crate::error::ConnectorError;
use crate::http::Call;

/// The largest page of a list.
const PAGE: &str = "500";
/// No account has more pages of fields; an answer that leads in a circle ends here.
const PAGES: usize = 20;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Field {
    field_name: String,
    field_code: String,
    field_type: String,
    options: Option<Vec<Choice>>,
    is_custom_field: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Choice {
    id: Value,
    label: String,
}

#[async_trait]
impl Discovery for Pipedrive {
    async fn fields(&self, account: &Account, kind: RecordKind) -> Result<Vec<RemoteField>, ConnectorError> {
        let listed = all(account, kind).await?;
        let listed = listed.iter().filter_map(|field| Field::deserialize(field).ok());
        let plain = listed.filter(|field| !field.field_code.is_empty() && !is_replaced(kind, &field.field_code));
        Ok(ours(kind).into_iter().chain(plain.map(described)).collect())
    }
}

/// Every field of a kind, as Pipedrive lists it.
pub(crate) async fn all(account: &Account, kind: RecordKind) -> Result<Vec<Value>, ConnectorError> {
    let path = path(kind)?;
    let (mut all, mut cursor) = (Vec::new(), None::<String>);
    for _ in 0..PAGES {
        let call = Call::get(&[&path]).with("limit", PAGE);
        let call = cursor.take().into_iter().fold(call, |call, cursor| call.with("cursor", cursor));
        let body = api::send(account, call).await?;
        all.extend(wire::rows(&body).iter().cloned());
        cursor = wire::next(&body);
        if cursor.is_none() {
            break;
        }
    }
    Ok(all)
}

/// Where the fields of a kind are.
pub(crate) fn path(kind: RecordKind) -> Result<String, ConnectorError> {
    let singular = match kind {
        RecordKind::Contact => "person",
        RecordKind::Deal => "deal",
        RecordKind::Activity => "activity",
        RecordKind::Product | RecordKind::Order => return Err(ConnectorError::unsupported("Pipedrive", kind)),
    };
    Ok(format!("{}/{singular}Fields", api::V2))
}

/// What we offer in place of Pipedrive's own: one value for a list of them, one moment for a day and an hour.
fn ours(kind: RecordKind) -> Vec<RemoteField> {
    let field = |(name, label, field_type): (&str, &str, RemoteFieldType)| RemoteField {
        name: name.to_owned(),
        label: label.to_owned(),
        field_type,
        options: Vec::new(),
        read_only: false,
        unique: false,
        custom: false,
    };
    match kind {
        RecordKind::Contact => person::OFFERED.into_iter().map(field).collect(),
        RecordKind::Activity => activity::OFFERED.into_iter().map(field).collect(),
        RecordKind::Deal | RecordKind::Product | RecordKind::Order => Vec::new(),
    }
}

fn is_replaced(kind: RecordKind, code: &str) -> bool {
    match kind {
        RecordKind::Contact => person::REPLACED.contains(&code),
        RecordKind::Activity => activity::REPLACED.contains(&code),
        RecordKind::Deal | RecordKind::Product | RecordKind::Order => false,
    }
}

fn described(field: Field) -> RemoteField {
    let option = |choice: Choice| {
        let value = choice.id.as_str().map_or_else(|| choice.id.to_string(), str::to_owned);
        RemoteOption { value, label: choice.label }
    };
    let read_only = is_read_only(&field);
    RemoteField {
        field_type: match field.field_type.as_str() {
            "varchar" | "text" | "varchar_auto" | "varchar_options" | "address" => RemoteFieldType::Text,
            "int" | "double" | "monetary" => RemoteFieldType::Number,
            "date" => RemoteFieldType::Date,
            "boolean" => RemoteFieldType::Bool,
            "enum" | "set" | "status" => RemoteFieldType::Choice,
            "phone" => RemoteFieldType::Phone,
            _ => RemoteFieldType::Other,
        },
        options: field.options.unwrap_or_default().into_iter().map(option).collect(),
        read_only,
        unique: false,
        custom: field.is_custom_field,
        name: field.field_code,
        label: field.field_name,
    }
}

/// What Pipedrive keeps by itself, and amounts of an account's own, whose currency we do not know.
fn is_read_only(field: &Field) -> bool {
    let by_itself = ["id", "creator_user_id", "is_deleted", "is_archived", "origin", "channel"];
    let times = field.field_code.ends_with("_time") && !field.is_custom_field && field.field_code != "due_time";
    let counted = field.field_code.ends_with("_count") && !field.is_custom_field;
    let foreign_amount = field.is_custom_field && field.field_type == "monetary";
    times || counted || foreign_amount || by_itself.contains(&field.field_code.as_str())
}
