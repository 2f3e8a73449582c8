//! What an organisation's setup holds, by the Tooling API: outbound messages, and the flows that send them.

use actix_web::{
    HttpResponse,
    web::{Json, Path},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    errors::ApiError,
    gate::Caller,
    ids,
    oauth::USERNAME,
    org::{NO_CHANGE, NO_SIGHT, Org},
    query::DATA,
    schema,
    sobjects::number,
};
use crate::{
    desk::Ledger,
    journal::By,
    store::{self, Object, Store},
};

pub(crate) const MESSAGE: &str = "WorkflowOutboundMessage";
pub(crate) const FLOW: &str = "Flow";
pub(crate) const DEFINITION: &str = "FlowDefinition";

/// What is made: its whole name, and what it holds.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub(crate) struct Asked {
    full_name: String,
    metadata: Map<String, Value>,
}

/// What of a definition can be changed.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub(crate) struct Switched {
    metadata: Switch,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Switch {
    /// 0 is no version.
    active_version_number: u64,
}

/// Whether the caller's user may see the setup: to others, its types do not exist.
pub(crate) fn is_seen(caller: &Caller) -> bool {
    caller.read(|state| !state.faults.is_on(NO_SIGHT))
}

/// The type that a path names, for a caller who may see it.
fn kind(caller: &Caller, name: &str) -> Result<&'static str, ApiError> {
    let kind = schema::setup(name).filter(|_| is_seen(caller)).map(|(kind, _)| kind);
    kind.ok_or_else(ApiError::not_found)
}

/// Codes and words are from memory, here and below; that a flow which is on is refused as `DELETE_FAILED`, and that a type is
/// `INVALID_TYPE` to whoever may not see it, callers of the real one tell.
fn may_change(caller: &Caller) -> Result<(), ApiError> {
    if caller.read(|state| state.faults.is_on(NO_CHANGE)) {
        return Err(ApiError::new(403, "INSUFFICIENT_ACCESS", "insufficient access rights on object id"));
    }
    Ok(())
}

pub(crate) async fn create(
    caller: Caller,
    path: Path<(String, String)>,
    asked: Json<Asked>,
) -> Result<HttpResponse, ApiError> {
    let (kind, asked) = (kind(&caller, &path.1)?, asked.into_inner());
    may_change(&caller)?;
    let id = caller.write(By::Api, |ledger| match kind {
        MESSAGE => make_message(ledger, asked),
        FLOW => make_version(ledger, asked),
        _ => Err(ApiError::new(400, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "a definition is made with its flow")),
    })?;
    let made = json!({"id": ids::of(kind, id), "success": true, "errors": [], "warnings": [], "infos": []});
    Ok(HttpResponse::Created().json(made))
}

pub(crate) async fn get(caller: Caller, path: Path<(String, String, String)>) -> Result<HttpResponse, ApiError> {
    let kind = kind(&caller, &path.1)?;
    let number = number(kind, &path.2)?;
    caller.read(|state| {
        let object = state.store.get(kind, number).ok_or_else(ApiError::not_found)?;
        let (id, mut fields) = (ids::of(kind, number), object.fields().clone());
        let url = format!("{DATA}/tooling/sobjects/{kind}/{id}");
        fields.insert("attributes".to_owned(), json!({"type": kind, "url": url}));
        fields.insert("Id".to_owned(), json!(id));
        Ok(HttpResponse::Ok().json(fields))
    })
}

/// Makes one version of a flow the active one, or none.
pub(crate) async fn switch(
    caller: Caller,
    path: Path<(String, String)>,
    switched: Json<Switched>,
) -> Result<HttpResponse, ApiError> {
    let definition = number(kind(&caller, DEFINITION)?, &path.1)?;
    may_change(&caller)?;
    caller.write(By::Api, |ledger| {
        ledger.state.store.get(DEFINITION, definition).ok_or_else(ApiError::not_found)?;
        let wanted = switched.metadata.active_version_number;
        let is_it = |version: &&Object| version.value("/VersionNumber") == Some(&json!(wanted));
        let version = versions(&ledger.state.store, definition).find(is_it).map(|version| version.id);
        if wanted != 0 && version.is_none() {
            let told = format!("the flow has no version {wanted}");
            return Err(ApiError::field("INVALID_CROSS_REFERENCE_KEY", "Metadata", told));
        }
        activate(ledger, definition, version);
        Ok(HttpResponse::NoContent().finish())
    })
}

pub(crate) async fn remove(caller: Caller, path: Path<(String, String, String)>) -> Result<HttpResponse, ApiError> {
    let kind = kind(&caller, &path.1)?;
    let number = number(kind, &path.2)?;
    may_change(&caller)?;
    caller.write(By::Api, |ledger| {
        let object = ledger.state.store.get(kind, number).cloned().ok_or_else(ApiError::not_found)?;
        match kind {
            MESSAGE => {
                let name = object.text("/FullName");
                if ledger.state.store.all(FLOW).any(|version| actions(version).any(|action| action == name)) {
                    return Err(ApiError::new(400, "DELETE_FAILED", "this action is referenced by a flow"));
                }
                ledger.remove(MESSAGE, number);
            }
            FLOW => remove_version(ledger, &object)?,
            _ => return Err(ApiError::new(400, "DELETE_FAILED", "a definition goes with its flow")),
        }
        Ok(HttpResponse::NoContent().finish())
    })
}

fn make_message(ledger: &mut Ledger<'_, Org>, Asked { full_name, metadata }: Asked) -> Result<u64, ApiError> {
    let wrong = |field: &str, told: String| Err(ApiError::field("FIELD_INTEGRITY_EXCEPTION", field, told));
    let named = full_name.split_once('.').and_then(|(object, name)| Some((schema::kind(object)?, name)));
    let Some(((object, known), name)) = named.filter(|(_, name)| is_name(name)) else {
        return wrong("FullName", format!("{full_name} is no name of an outbound message"));
    };
    let text = |name: &str| metadata.get(name).and_then(Value::as_str).unwrap_or_default();
    for must in ["name", "apiVersion", "endpointUrl", "fields", "includeSessionId", "integrationUser", "protected"] {
        if metadata.get(must).is_none_or(Value::is_null) {
            let told = format!("Required fields are missing: [{must}]");
            return Err(ApiError::field("REQUIRED_FIELD_MISSING", must, told));
        }
    }
    if url::Url::parse(text("endpointUrl")).is_err() {
        return wrong("endpointUrl", format!("{} is no address", text("endpointUrl")));
    }
    if text("integrationUser") != USERNAME {
        let told = format!("In field: integrationUser - no User named {} found", text("integrationUser"));
        return Err(ApiError::field("INVALID_CROSS_REFERENCE_KEY", "integrationUser", told));
    }
    let fields = metadata.get("fields").and_then(Value::as_array).into_iter().flatten();
    for field in fields.filter_map(Value::as_str) {
        schema::readable(known, field, true).ok_or_else(|| ApiError::no_column(object, field))?;
    }
    if ledger.state.store.all(MESSAGE).any(|message| message.text("/FullName") == full_name) {
        return Err(ApiError::field("DUPLICATE_DEVELOPER_NAME", "FullName", "this name is already in use"));
    }
    let fields = json!({"Name": name, "FullName": full_name, "EntityDefinitionId": object, "Metadata": metadata});
    Ok(ledger.create(MESSAGE, object_of(fields)))
}

/// Another version of the flow of that name, which comes to be with its first.
fn make_version(ledger: &mut Ledger<'_, Org>, Asked { full_name, metadata }: Asked) -> Result<u64, ApiError> {
    let wrong = |told: &str| Err(ApiError::field("FIELD_INTEGRITY_EXCEPTION", "Metadata", told));
    let held = |pointer: &str| store::find(&metadata, pointer).and_then(Value::as_str).unwrap_or_default();
    if !is_name(&full_name) || held("/label").is_empty() {
        return wrong("a flow needs a name and a label");
    }
    let trigger = (held("/processType"), held("/start/triggerType"), held("/start/recordTriggerType"));
    if trigger != ("AutoLaunchedFlow", "RecordAfterSave", "CreateAndUpdate") {
        return Err(ApiError::new(501, "NOT_IMPLEMENTED", "flows of other sorts are not there in the sandbox"));
    }
    let object = schema::kind(held("/start/object")).map(|(object, _)| object);
    let object = object.ok_or_else(|| ApiError::new(400, "INVALID_TYPE", "the flow's type of objects is not there"))?;
    let (step, action) = (held("/actionCalls/0/name"), held("/actionCalls/0/actionName"));
    if step.is_empty() || held("/start/connector/targetReference") != step {
        return wrong("the start of the flow leads nowhere");
    }
    let is_it = |message: &Object| message.text("/FullName") == action && message.text("/EntityDefinitionId") == object;
    if held("/actionCalls/0/actionType") != "outboundMessage" || !ledger.state.store.all(MESSAGE).any(is_it) {
        return wrong("We can't find an action with the name and action type that you specified.");
    }
    let is_active = held("/status") == "Active";
    let known = ledger.state.store.all(DEFINITION).find(|known| known.text("/DeveloperName") == full_name);
    let known = known.map(|known| known.id);
    let definition = known.unwrap_or_else(|| {
        ledger.create(DEFINITION, object_of(json!({"DeveloperName": full_name, "ActiveVersionId": null})))
    });
    let last =
        versions(&ledger.state.store, definition).filter_map(|version| version.value("/VersionNumber")?.as_u64());
    let number = last.max().unwrap_or_default().saturating_add(1);
    let fields = json!({
        "DefinitionId": ids::of(DEFINITION, definition), "Definition.DeveloperName": full_name,
        "VersionNumber": number, "Status": "Draft", "Metadata": metadata,
    });
    let version = ledger.create(FLOW, object_of(fields));
    if is_active {
        activate(ledger, definition, Some(version));
    }
    Ok(version)
}

fn activate(ledger: &mut Ledger<'_, Org>, definition: u64, version: Option<u64>) {
    let all: Vec<u64> = versions(&ledger.state.store, definition).map(|version| version.id).collect();
    for id in all {
        let status = if Some(id) == version { "Active" } else { "Obsolete" };
        ledger.update(FLOW, id, object_of(json!({ "Status": status })));
    }
    let active = version.map(|version| ids::of(FLOW, version));
    ledger.update(DEFINITION, definition, object_of(json!({ "ActiveVersionId": active })));
}

fn remove_version(ledger: &mut Ledger<'_, Org>, version: &Object) -> Result<(), ApiError> {
    if version.text("/Status") == "Active" {
        return Err(ApiError::new(400, "DELETE_FAILED", "Your attempt to delete an active flow version has failed."));
    }
    ledger.remove(FLOW, version.id);
    if let Some((_, definition)) = ids::read(version.text("/DefinitionId"))
        && versions(&ledger.state.store, definition).next().is_none()
    {
        ledger.remove(DEFINITION, definition);
    }
    Ok(())
}

/// The outbound messages, and their addresses, that the flows which are switched on send of objects of this type.
pub(crate) fn sent(store: &Store, object: &str) -> Vec<(String, String)> {
    let active = store.all(FLOW).filter(|version| version.text("/Status") == "Active");
    let named = active.filter(|version| version.text("/Metadata/start/object") == object).flat_map(actions);
    let message = |name: &str| store.all(MESSAGE).find(|message| message.text("/FullName") == name);
    let messages = named.filter_map(message);
    messages.map(|it| (ids::of(MESSAGE, it.id), it.text("/Metadata/endpointUrl").to_owned())).collect()
}

fn versions(store: &Store, definition: u64) -> impl Iterator<Item = &Object> {
    let id = ids::of(DEFINITION, definition);
    store.all(FLOW).filter(move |version| version.text("/DefinitionId") == id)
}

/// What a version of a flow does, by name.
fn actions(version: &Object) -> impl Iterator<Item = &str> {
    let all = version.value("/Metadata/actionCalls").and_then(Value::as_array).into_iter().flatten();
    all.filter_map(|action| action.get("actionName").and_then(Value::as_str))
}

/// Letters, digits and single underscores, a letter first.
fn is_name(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let is_sound = name.starts_with(|letter: char| letter.is_ascii_alphabetic()) && name.bytes().all(is_plain);
    is_sound && name.len() <= 80 && !name.contains("__") && !name.ends_with('_')
}

/// The fields of what was written as an object.
fn object_of(fields: Value) -> Map<String, Value> {
    match fields {
        Value::Object(fields) => fields,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Map::new(),
    }
}
