//! What HubSpot makes of a written value: refuses it, or brings it into its own form.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{
    ApiError,
    account::Table,
    errors::Refusal,
    kinds::Kind,
    properties::{Definition, Form},
};
use crate::clock;

/// Property values as they were written, or as they are kept.
pub(crate) type Values = BTreeMap<String, String>;

/// All values travel as strings; numbers and booleans are taken as their text. `null` is not a value:
/// a property is cleared with "".
pub(crate) fn read_values(properties: Map<String, Value>) -> Result<Values, ApiError> {
    let text = |(name, value)| match value {
        Value::String(text) => Ok((name, text)),
        Value::Number(_) | Value::Bool(_) => Ok((name, value.to_string())),
        Value::Null | Value::Array(_) | Value::Object(_) => {
            Err(ApiError::validation(format!("Invalid input JSON: property \"{name}\" must be a string")))
        }
    };
    properties.into_iter().map(text).collect()
}

/// The values in HubSpot's form.
///
/// # Errors
/// One error naming every value that was refused.
pub(crate) fn normalise(table: &Table, written: &Values) -> Result<Values, ApiError> {
    let mut refusals = Vec::new();
    let mut kept = Values::new();
    for (name, value) in written {
        match table.definitions.get(name) {
            None => {
                refusals.push(refusal(name, "PROPERTY_DOESNT_EXIST", format!("Property \"{name}\" does not exist")))
            }
            Some(definition) => match normalise_one(definition, value) {
                Ok(value) => drop(kept.insert(name.clone(), value)),
                Err(refusal) => refusals.push(refusal),
            },
        }
    }
    if refusals.is_empty() { Ok(kept) } else { Err(ApiError::refused(&refusals)) }
}

/// A record of this kind cannot be made without these.
pub(crate) fn require(kind: Kind, values: &Values) -> Result<(), ApiError> {
    let missing = |name: &&&str| values.get(**name).is_none_or(String::is_empty);
    match kind.required_properties().iter().find(missing) {
        None => Ok(()),
        Some(name) => Err(ApiError::refused(&[refusal(
            name,
            "REQUIRED_FIELD",
            format!("Error creating {}. Some required properties were not set: {name}", kind.singular().to_uppercase()),
        )])),
    }
}

fn refusal(property: &str, code: &'static str, message: String) -> Refusal {
    Refusal { property: property.into(), code, message }
}

fn normalise_one(definition: &Definition, value: &str) -> Result<String, Refusal> {
    let name = &definition.name;
    let wrong = |code, what: &str| Err(refusal(name, code, format!("{value} was not {what}.")));
    if definition.read_only {
        return Err(refusal(
            name,
            "READ_ONLY_VALUE",
            format!("\"{name}\" is a read only property; its value cannot be set."),
        ));
    }
    if value.is_empty() {
        return Ok(String::new());
    }
    if name == "email" {
        return email(value).ok_or_else(|| refusal(name, "INVALID_EMAIL", format!("Email address {value} is invalid")));
    }
    match definition.form {
        Form::Text | Form::Phone => Ok(value.to_owned()),
        Form::Number => match value.trim().parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(value.trim().to_owned()),
            Ok(_) | Err(_) => wrong("INVALID_INTEGER", "a valid number"),
        },
        Form::DateTime => match clock::parse(value) {
            Some(at) => Ok(clock::iso(at)),
            None => wrong("INVALID_LONG", "a valid long"),
        },
        Form::Date => match clock::parse(value).map(clock::iso) {
            Some(instant) => Ok(instant.chars().take(10).collect()),
            None => wrong("INVALID_DATE", "a valid date"),
        },
        Form::Bool => match value {
            "true" | "false" => Ok(value.to_owned()),
            _ => wrong("INVALID_OPTION", "one of the allowed options: [true, false]"),
        },
        Form::Enumeration if definition.options.iter().any(|option| option == value) => Ok(value.to_owned()),
        Form::Enumeration => {
            wrong("INVALID_OPTION", &format!("one of the allowed options: [{}]", definition.options.join(", ")))
        }
    }
}

/// Lower-cased and trimmed, as HubSpot keeps it.
fn email(written: &str) -> Option<String> {
    let email = written.trim().to_lowercase();
    let (local, domain) = email.rsplit_once('@')?;
    let local_is_good = !local.is_empty()
        && local.len() <= 64
        && local
            .chars()
            .all(|c| !c.is_whitespace() && !matches!(c, '@' | ',' | ';' | ':' | '<' | '>' | '(' | ')' | '"'))
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..");
    let label_is_good = |label: &str| {
        !label.is_empty()
            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let last_is_good = domain.rsplit_once('.').is_some_and(|(_, last)| last.chars().count() >= 2);
    (local_is_good && last_is_good && domain.split('.').all(label_is_good)).then_some(email)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_lower_cased_or_refused() {
        assert_eq!(email(" Zoé.Martin@Exemple.FR ").as_deref(), Some("zoé.martin@exemple.fr"));
        for bad in ["", "a", "a@", "@b.fr", "a@b", "a b@c.fr", "a..b@c.fr", "a@-c.fr", "a@c..fr", "a@c.f", "a@b@c.fr"] {
            assert_eq!(email(bad), None, "{bad}");
        }
    }
}
