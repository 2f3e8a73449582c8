//! Batches: a status of 200 whatever became of the items, and each item's own answer in its place.

use std::{future::Future, pin::Pin};

use actix_web::{FromRequest, HttpRequest, HttpResponse, dev::Payload, web::Bytes};
use serde_json::{Map, Value, json};

use super::{errors::WooError, gate::Caller, ledger, objects::shown, resource::Resource};
use crate::journal::By;

/// A JSON object, or WordPress's refusal of what is none.
#[derive(Debug)]
pub(crate) struct Body(pub(crate) Map<String, Value>);

impl FromRequest for Body {
    type Error = actix_web::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, actix_web::Error>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let bytes = Bytes::from_request(request, payload);
        Box::pin(async move {
            let bytes = bytes.await?;
            if bytes.is_empty() {
                return Ok(Self(Map::new()));
            }
            let syntax = |_| {
                WooError::new(400, "rest_invalid_json", "Invalid JSON body passed.")
                    .with("json_error_code", 4)
                    .with("json_error_message", "Syntax error")
            };
            Ok(Self(serde_json::from_slice(&bytes).map_err(syntax)?))
        })
    }
}

pub(crate) fn write(shop: &Caller, resource: Resource, body: &Map<String, Value>) -> Result<HttpResponse, WooError> {
    let list = |name: &str| body.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    let (creates, updates, deletes) = (list("create"), list("update"), list("delete"));
    let count = creates.len().saturating_add(updates.len()).saturating_add(deletes.len());
    let most = shop.read(|state| state.faults.limit("batch_limit")).and_then(|most| usize::try_from(most).ok());
    let most = most.unwrap_or(usize::MAX);
    if count > most {
        let message = format!("Unable to accept more than {most} items for this request.");
        return Err(WooError::new(413, "woocommerce_rest_request_entity_too_large", message));
    }
    let mut answer = Map::new();
    let done: Vec<Value> = creates
        .into_iter()
        .map(|item| {
            let made = shop.write(By::Api, |changes| ledger::create(changes, resource, fields(item)));
            made.map_or_else(|error| failed(0, &error), |id| shown(shop, resource, id))
        })
        .collect();
    note(&mut answer, "create", done);
    let done: Vec<Value> = updates
        .into_iter()
        .map(|item| {
            let id = item.get("id").and_then(Value::as_u64).unwrap_or_default();
            let made = shop.write(By::Api, |changes| ledger::update(changes, resource, id, fields(item)));
            made.map_or_else(|error| failed(id, &error), |id| shown(shop, resource, id))
        })
        .collect();
    note(&mut answer, "update", done);
    let done: Vec<Value> = deletes
        .into_iter()
        .map(|item| {
            let id = item.as_u64().unwrap_or_default();
            let before = shown(shop, resource, id);
            // A batch deletes by force.
            let made = shop.write(By::Api, |changes| ledger::remove(changes, resource, id, true));
            made.map_or_else(|error| failed(id, &error), |_| before)
        })
        .collect();
    note(&mut answer, "delete", done);
    Ok(HttpResponse::Ok().json(answer))
}

fn note(answer: &mut Map<String, Value>, name: &str, done: Vec<Value>) {
    if !done.is_empty() {
        answer.insert(name.to_owned(), Value::Array(done));
    }
}

fn fields(item: Value) -> Map<String, Value> {
    match item {
        Value::Object(mut fields) => {
            fields.remove("id");
            fields
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Map::new(),
    }
}

fn failed(id: u64, error: &WooError) -> Value {
    json!({"id": id, "error": error.body()})
}
