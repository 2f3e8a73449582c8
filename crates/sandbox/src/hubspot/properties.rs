//! Property definitions: what they say, and the endpoints that list and create them.

use actix_web::{HttpResponse, http::StatusCode, web};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{ApiError, account::UNIQUE_PROPERTIES, gate::Caller, kinds::Kind};
use crate::journal::By;

/// HubSpot's `type` of a property.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) enum Form {
    #[serde(rename = "string")]
    Text,
    #[serde(rename = "number")]
    Number,
    #[serde(rename = "date")]
    Date,
    #[serde(rename = "datetime")]
    DateTime,
    #[serde(rename = "bool")]
    Bool,
    #[serde(rename = "enumeration")]
    Enumeration,
    #[serde(rename = "phone_number")]
    Phone,
}

/// One property of an object type.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Definition {
    pub(crate) name: String,
    pub(crate) label: String,
    pub(crate) form: Form,
    pub(crate) field_type: String,
    pub(crate) group: String,
    pub(crate) description: String,
    pub(crate) options: Vec<String>,
    pub(crate) unique: bool,
    pub(crate) read_only: bool,
    pub(crate) hubspot_defined: bool,
}

impl Definition {
    pub(crate) fn seeded(group: &str, (name, label): (&str, &str), form: Form, options: Vec<String>) -> Self {
        let field_type = match form {
            Form::Text => "text",
            Form::Number => "number",
            Form::Date | Form::DateTime => "date",
            Form::Bool => "booleancheckbox",
            Form::Enumeration => "select",
            Form::Phone => "phonenumber",
        };
        Self {
            name: name.into(),
            label: label.into(),
            form,
            field_type: field_type.into(),
            group: group.into(),
            description: String::new(),
            options,
            unique: false,
            read_only: false,
            hubspot_defined: true,
        }
    }

    fn show(&self) -> Value {
        let options: Vec<Value> = (0_u32..)
            .zip(&self.options)
            .map(|(order, option)| json!({"label": option, "value": option, "hidden": false, "displayOrder": order}))
            .collect();
        json!({
            "name": self.name, "label": self.label, "type": self.form, "fieldType": self.field_type,
            "groupName": self.group, "description": self.description, "options": options,
            "hasUniqueValue": self.unique, "calculated": false, "hidden": false, "formField": !self.read_only,
            "hubspotDefined": self.hubspot_defined, "displayOrder": -1, "externalOptions": false,
            "dataSensitivity": "non_sensitive", "archived": false,
            "modificationMetadata": {
                "readOnlyValue": self.read_only, "readOnlyDefinition": self.hubspot_defined, "archivable": !self.hubspot_defined,
            },
        })
    }
}

/// What a new property is created from.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NewProperty {
    name: String,
    label: String,
    #[serde(rename = "type")]
    form: Form,
    field_type: String,
    group_name: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    options: Vec<NewOption>,
    #[serde(default)]
    has_unique_value: bool,
}

#[derive(Debug, Deserialize)]
struct NewOption {
    value: String,
}

impl NewProperty {
    fn define(self) -> Result<Definition, ApiError> {
        let starts_well = self.name.starts_with(|first: char| first.is_ascii_lowercase());
        if !starts_well || !self.name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_') {
            let message = format!(
                "Property name \"{}\" is invalid: it must start with a letter and hold lowercase letters, digits and underscores only",
                self.name
            );
            return Err(ApiError::validation(message));
        }
        if self.has_unique_value && !matches!(self.form, Form::Text | Form::Number) {
            return Err(ApiError::validation("hasUniqueValue can only be set on string and number properties"));
        }
        Ok(Definition {
            name: self.name,
            label: self.label,
            form: self.form,
            field_type: self.field_type,
            group: self.group_name,
            description: self.description,
            options: self.options.into_iter().map(|option| option.value).collect(),
            unique: self.has_unique_value,
            read_only: false,
            hubspot_defined: false,
        })
    }
}

#[derive(Debug, Deserialize)]
pub(crate) struct PropertyPath {
    kind: String,
    #[serde(default)]
    name: String,
}

pub(crate) async fn list_properties(caller: Caller, path: web::Path<PropertyPath>) -> Result<HttpResponse, ApiError> {
    let kind = Kind::parse(&path.kind)?;
    let results = caller.read(|state| state.table(kind).definitions.values().map(Definition::show).collect::<Vec<_>>());
    Ok(HttpResponse::Ok().json(json!({"results": results})))
}

pub(crate) async fn get_property(caller: Caller, path: web::Path<PropertyPath>) -> Result<HttpResponse, ApiError> {
    let kind = Kind::parse(&path.kind)?;
    let found = caller.read(|state| state.table(kind).definitions.get(&path.name).map(Definition::show));
    found.map(|body| HttpResponse::Ok().json(body)).ok_or_else(|| unknown(&path.name))
}

pub(crate) async fn create_property(
    caller: Caller,
    path: web::Path<PropertyPath>,
    body: web::Json<NewProperty>,
) -> Result<HttpResponse, ApiError> {
    let kind = Kind::parse(&path.kind)?;
    let definition = body.into_inner().define()?;
    let shown = definition.show();
    caller.write(By::Api, |changes| {
        let definitions = &changes.state().table(kind).definitions;
        if definitions.contains_key(&definition.name) {
            let message = format!("A property named '{}' already exists.", definition.name);
            return Err(ApiError::conflict(message));
        }
        // The seeded e-mail is unique by its nature and not counted.
        let own_unique = definitions.values().filter(|known| known.unique && !known.hubspot_defined).count();
        let most = changes.state().faults.limit(UNIQUE_PROPERTIES).and_then(|most| usize::try_from(most).ok());
        if let Some(most) = most.filter(|most| definition.unique && own_unique >= *most) {
            return Err(ApiError::validation(format!(
                "The limit of {most} unique properties has been reached for this object type"
            )));
        }
        changes.define(kind, &definition);
        Ok(())
    })?;
    Ok(HttpResponse::Created().json(shown))
}

pub(crate) fn unknown(name: &str) -> ApiError {
    ApiError::new(StatusCode::NOT_FOUND, "OBJECT_NOT_FOUND", format!("Property \"{name}\" does not exist"))
}
