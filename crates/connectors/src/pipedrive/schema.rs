//! What an account's fields hold, as far as a write has to know, and which of them carries our key. Learnt once an hour.

use std::collections::BTreeMap;

use domain::fault::FaultKind;
use domain::kind::RecordKind;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{api, fields};
use crate::account::Account;
use crate::error::ConnectorError;
use crate::http::Call;

/// What people see of the field that carries our key.
pub(crate) const KEY_NAME: &str = "Coccinelle ID";

/// The fields of one kind.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Schema {
    /// The code of the field that carries our key; none where the account has no such field.
    pub(crate) key: Option<String>,
    /// What each field that the account made holds, by its code, in Pipedrive's words.
    pub(crate) types: BTreeMap<String, String>,
}

/// What is known of an account's fields, or is found out now.
///
/// # Errors
/// When Pipedrive does not answer. One that may not ask has no fields of its own.
pub(crate) async fn of(account: &Account, kind: RecordKind) -> Result<Schema, ConnectorError> {
    let known = account.learnt.get(name(kind)).and_then(|text| serde_json::from_str(&text).ok());
    if let Some(schema) = known {
        return Ok(schema);
    }
    let schema = match fields::all(account, kind).await {
        Ok(fields) => read(fields),
        Err(error) if error.kind == FaultKind::Forbidden => Schema::default(),
        Err(error) => return Err(error),
    };
    account.learnt.put(name(kind), serde_json::to_string(&schema).unwrap_or_default());
    Ok(schema)
}

/// The code of the field that carries our key, as far as that was learnt.
pub(crate) fn known_key(account: &Account, kind: RecordKind) -> Option<String> {
    serde_json::from_str::<Schema>(&account.learnt.get(name(kind))?).ok()?.key
}

/// Something of it is no longer so.
pub(crate) fn forget(account: &Account, kind: RecordKind) {
    account.learnt.forget(name(kind));
}

/// Makes sure that objects of a kind have a field for our key. Says whether they have: activities take no fields of an
/// account's own.
///
/// # Errors
/// When Pipedrive does not answer; not where the account may not make fields.
pub(crate) async fn ensure_key(account: &Account, kind: RecordKind) -> Result<bool, ConnectorError> {
    forget(account, kind);
    if kind == RecordKind::Activity {
        return Ok(false);
    }
    if of(account, kind).await?.key.is_some() {
        return Ok(true);
    }
    let definition = json!({"field_name": KEY_NAME, "field_type": "varchar"});
    match api::send(account, Call::post(&[&fields::path(kind)?], definition)).await {
        Ok(_) => {
            forget(account, kind);
            Ok(true)
        }
        Err(error) if matches!(error.kind, FaultKind::Forbidden | FaultKind::Invalid) => {
            tracing::info!(error.code = error.code, "Pipedrive does not let us make our field");
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

fn read(fields: Vec<Value>) -> Schema {
    let text = |field: &Value, name: &str| field.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let own = fields.iter().filter(|field| field.get("is_custom_field") == Some(&Value::Bool(true)));
    let own: Vec<(String, String, String)> =
        own.map(|field| (text(field, "field_code"), text(field, "field_name"), text(field, "field_type"))).collect();
    let key = own.iter().find(|(_, name, _)| name == KEY_NAME).map(|(code, ..)| code.clone());
    Schema { key, types: own.into_iter().map(|(code, _, sort)| (code, sort)).collect() }
}

fn name(kind: RecordKind) -> &'static str {
    match kind {
        RecordKind::Contact => "pipedrive persons",
        RecordKind::Deal => "pipedrive deals",
        RecordKind::Activity => "pipedrive activities",
        RecordKind::Product | RecordKind::Order => "pipedrive",
    }
}
