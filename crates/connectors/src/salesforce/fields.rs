//! What fields an organisation has, and whether ours is among them.

use async_trait::async_trait;
use domain::kind::RecordKind;
use serde::Deserialize;
use serde_json::Value;

use super::wire::Form;
use super::{KEY, Salesforce, api};
use crate::account::Account;
use crate::discovery::{Discovery, RemoteField, RemoteFieldType, RemoteOption};
use crate::error::ConnectorError;
use crate::http::Call;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Field {
    name: String,
    label: String,
    #[serde(rename = "type")]
    data_type: String,
    custom: bool,
    createable: bool,
    updateable: bool,
    calculated: bool,
    unique: bool,
    external_id: bool,
    picklist_values: Vec<Choice>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Choice {
    value: String,
    label: Option<String>,
    active: bool,
}

#[async_trait]
impl Discovery for Salesforce {
    async fn fields(&self, account: &Account, kind: RecordKind) -> Result<Vec<RemoteField>, ConnectorError> {
        Ok(describe(account, kind).await?.into_iter().filter(|field| !field.name.is_empty()).map(described).collect())
    }
}

async fn describe(account: &Account, kind: RecordKind) -> Result<Vec<Field>, ConnectorError> {
    let path = format!("sobjects/{}/describe", api::object_type(account, kind)?);
    let body = api::send(account, Call::get(&[api::DATA, &path])).await?;
    let fields = body.get("fields").and_then(Value::as_array).into_iter().flatten();
    Ok(fields.filter_map(|field| Field::deserialize(field).ok()).collect())
}

/// Whether objects of this kind have our field, and it will do as a key.
pub(crate) async fn has_key(account: &Account, kind: RecordKind) -> Result<bool, ConnectorError> {
    let found = describe(account, kind).await?;
    let is_ours = |field: &Field| field.name == KEY && field.external_id && field.unique && field.createable;
    let has = found.iter().any(is_ours);
    let object = api::object_type(account, kind)?;
    account.learnt.put(&format!("key.{object}"), if has { "yes" } else { "no" });
    Ok(has)
}

/// As [`has_key`], asked once in a while.
pub(crate) async fn knows_key(account: &Account, kind: RecordKind) -> Result<bool, ConnectorError> {
    let object = api::object_type(account, kind)?;
    match account.learnt.get(&format!("key.{object}")).as_deref() {
        Some("yes") => Ok(true),
        Some(_) => Ok(false),
        None => has_key(account, kind).await,
    }
}

/// Whether objects of this kind carry our key in their text where there is no field for it. People are known by their address.
pub(crate) fn has_note(kind: RecordKind) -> bool {
    matches!(kind, RecordKind::Deal | RecordKind::Activity)
}

/// How the values of a field travel; asked once in a while.
pub(crate) async fn forms(account: &Account, kind: RecordKind) -> Result<impl Fn(&str) -> Form, ConnectorError> {
    let name = format!("forms.{}", api::object_type(account, kind)?);
    let known = match account.learnt.get(&name) {
        Some(known) => known,
        None => {
            let found = describe(account, kind).await?;
            let letter = |field: &Field| match field.data_type.as_str() {
                "double" | "currency" | "percent" | "int" | "long" => Some(format!("n{}", field.name)),
                "boolean" => Some(format!("b{}", field.name)),
                _ => None,
            };
            let known = found.iter().filter_map(letter).collect::<Vec<_>>().join(" ");
            account.learnt.put(&name, known.as_str());
            known
        }
    };
    Ok(move |field: &str| {
        known
            .split(' ')
            .find_map(|entry| {
                let (letter, name) = entry.split_at_checked(1)?;
                (name == field).then_some(if letter == "n" { Form::Number } else { Form::Bool })
            })
            .unwrap_or(Form::Text)
    })
}

fn described(field: Field) -> RemoteField {
    let active = field.picklist_values.into_iter().filter(|choice| choice.active);
    RemoteField {
        field_type: match field.data_type.as_str() {
            "string" | "textarea" | "email" | "url" | "id" | "encryptedstring" => RemoteFieldType::Text,
            "double" | "currency" | "percent" | "int" | "long" => RemoteFieldType::Number,
            "date" => RemoteFieldType::Date,
            "datetime" => RemoteFieldType::DateTime,
            "boolean" => RemoteFieldType::Bool,
            "picklist" | "multipicklist" | "combobox" => RemoteFieldType::Choice,
            "phone" => RemoteFieldType::Phone,
            _ => RemoteFieldType::Other,
        },
        options: active
            .map(|choice| RemoteOption {
                label: choice.label.unwrap_or_else(|| choice.value.clone()),
                value: choice.value,
            })
            .collect(),
        read_only: field.calculated || !(field.createable || field.updateable),
        unique: field.unique,
        custom: field.custom,
        name: field.name,
        label: field.label,
    }
}
