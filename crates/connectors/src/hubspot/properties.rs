//! Properties: what fields an account has, and making our own.

use async_trait::async_trait;
use domain::fault::FaultKind;
use domain::kind::RecordKind;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{HubSpot, KEY, api};
use crate::account::Account;
use crate::discovery::{Discovery, RemoteField, RemoteFieldType, RemoteOption};
use crate::error::ConnectorError;
use crate::http::Call;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
struct Property {
    name: String,
    label: String,
    #[serde(rename = "type")]
    data_type: String,
    options: Vec<Choice>,
    has_unique_value: bool,
    calculated: bool,
    hidden: bool,
    hubspot_defined: bool,
    modification_metadata: Metadata,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Choice {
    value: String,
    label: String,
    hidden: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Metadata {
    read_only_value: bool,
}

#[async_trait]
impl Discovery for HubSpot {
    async fn fields(&self, account: &Account, kind: RecordKind) -> Result<Vec<RemoteField>, ConnectorError> {
        let body = api::send(account, Call::get(&[&path(kind)?])).await?;
        let results = body.get("results").and_then(Value::as_array).into_iter().flatten();
        let properties = results.filter_map(|result| Property::deserialize(result).ok());
        Ok(properties.filter(|property| !property.hidden && !property.name.is_empty()).map(described).collect())
    }
}

fn described(property: Property) -> RemoteField {
    let option = |choice: Choice| RemoteOption { value: choice.value, label: choice.label };
    RemoteField {
        field_type: match property.data_type.as_str() {
            "string" => RemoteFieldType::Text,
            "number" => RemoteFieldType::Number,
            "date" => RemoteFieldType::Date,
            "datetime" => RemoteFieldType::DateTime,
            "bool" => RemoteFieldType::Bool,
            "enumeration" => RemoteFieldType::Choice,
            "phone_number" => RemoteFieldType::Phone,
            _ => RemoteFieldType::Other,
        },
        options: property.options.into_iter().filter(|choice| !choice.hidden).map(option).collect(),
        read_only: property.modification_metadata.read_only_value || property.calculated,
        // A contact's address is unique without saying so.
        unique: property.has_unique_value || property.name == "email",
        custom: !property.hubspot_defined,
        name: property.name,
        label: property.label,
    }
}

/// Makes sure that objects of this kind have our unique property. Says whether they have.
///
/// # Errors
/// When HubSpot does not answer; not where the account may not, or has no room for another unique property.
pub(crate) async fn ensure_key(account: &Account, kind: RecordKind) -> Result<bool, ConnectorError> {
    let path = path(kind)?;
    match api::send(account, Call::get(&[&path, KEY])).await {
        Ok(body) => return Ok(is_unique(&body)),
        Err(error) if error.kind == FaultKind::NotFound => {}
        Err(error) => return unless_refused(error),
    }
    let definition = json!({
        "name": KEY,
        "label": "Coccinelle ID",
        "description": "Links this record to Coccinelle. Please do not change it.",
        "groupName": group(kind)?,
        "type": "string",
        "fieldType": "text",
        "hasUniqueValue": true,
    });
    match api::send(account, Call::post(&[&path], definition)).await {
        Ok(_) => Ok(true),
        // Somebody else made it meanwhile, perhaps in another way.
        Err(error) if error.kind == FaultKind::Conflict => {
            Ok(is_unique(&api::send(account, Call::get(&[&path, KEY])).await?))
        }
        Err(error) => unless_refused(error),
    }
}

fn unless_refused(error: ConnectorError) -> Result<bool, ConnectorError> {
    match error.kind {
        FaultKind::Forbidden | FaultKind::Invalid => {
            tracing::info!(error.code = error.code, "HubSpot does not let us make our property");
            Ok(false)
        }
        FaultKind::Unauthorized
        | FaultKind::NotFound
        | FaultKind::Conflict
        | FaultKind::RateLimited
        | FaultKind::Unavailable
        | FaultKind::Internal => Err(error),
    }
}

fn is_unique(property: &Value) -> bool {
    property.get("hasUniqueValue").and_then(Value::as_bool).unwrap_or(false)
}

fn path(kind: RecordKind) -> Result<String, ConnectorError> {
    Ok(format!("crm/properties/{}/{}", api::VERSION, api::object_type(kind)?))
}

/// The group under which HubSpot's pages show it.
fn group(kind: RecordKind) -> Result<&'static str, ConnectorError> {
    match kind {
        RecordKind::Contact => Ok("contactinformation"),
        RecordKind::Deal => Ok("dealinformation"),
        RecordKind::Activity => Ok("call"),
        RecordKind::Product | RecordKind::Order => api::object_type(kind),
    }
}
