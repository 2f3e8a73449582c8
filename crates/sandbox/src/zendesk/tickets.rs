//! Tickets: reads, writes, and the comments in them.

use actix_web::{
    HttpResponse,
    web::{Json, Path, Query},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    errors::ApiError,
    gate::Caller,
    show,
    site::{self, TICKETS, USERS},
};
use crate::{journal::By, store::Object};

/// The body of a write.
#[derive(Debug, Deserialize)]
pub(crate) struct Body {
    ticket: Map<String, Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Named {
    ids: String,
    external_id: String,
}

fn listed(caller: &Caller, is_asked: impl Fn(&&Object) -> bool) -> HttpResponse {
    let tickets: Vec<Value> = caller
        .read(|state| state.store.all(TICKETS).filter(is_asked).map(|ticket| show::whole(TICKETS, ticket)).collect());
    HttpResponse::Ok().json(json!({"tickets": tickets, "count": tickets.len()}))
}

pub(crate) async fn list(caller: Caller, named: Query<Named>) -> HttpResponse {
    let key = &named.external_id;
    listed(&caller, |ticket| key.is_empty() || ticket.text("/external_id") == key)
}

pub(crate) async fn show_many(caller: Caller, named: Query<Named>) -> HttpResponse {
    listed(&caller, |ticket| named.ids.split(',').any(|id| id == ticket.id.to_string()))
}

pub(crate) async fn requested(caller: Caller, path: Path<(String, u64)>) -> Result<HttpResponse, ApiError> {
    caller.read(|state| state.store.get(USERS, path.1).map(|_| ()).ok_or_else(ApiError::not_found))?;
    Ok(listed(&caller, |ticket| ticket.value("/requester_id").and_then(Value::as_u64) == Some(path.1)))
}

pub(crate) async fn get(caller: Caller, path: Path<(String, u64)>) -> Result<HttpResponse, ApiError> {
    caller.read(|state| {
        let ticket = state.store.get(TICKETS, path.1).ok_or_else(ApiError::not_found)?;
        Ok(HttpResponse::Ok().json(json!({"ticket": show::whole(TICKETS, ticket)})))
    })
}

pub(crate) async fn comments(caller: Caller, path: Path<(String, u64)>) -> Result<HttpResponse, ApiError> {
    caller.read(|state| {
        let ticket = state.store.get(TICKETS, path.1).ok_or_else(ApiError::not_found)?;
        Ok(HttpResponse::Ok().json(json!({"comments": ticket.value("/comments")})))
    })
}

/// A comment is added to those that are there.
fn with_comment(before: Option<&Value>, fields: &mut Map<String, Value>) -> Result<(), ApiError> {
    let Some(comment) = fields.remove("comment") else { return Ok(()) };
    let body = comment.get("body").and_then(Value::as_str).filter(|body| !body.is_empty());
    let body = body.ok_or_else(|| ApiError::invalid("comment", "BlankValue", "Comment: cannot be blank"))?;
    let mut all = before.and_then(Value::as_array).cloned().unwrap_or_default();
    all.push(json!({"id": all.len(), "body": body, "public": comment.get("public")}));
    fields.insert("comments".to_owned(), Value::Array(all));
    Ok(())
}

fn check_requester(caller: &Caller, fields: &Map<String, Value>) -> Result<(), ApiError> {
    let Some(requester) = fields.get("requester_id") else { return Ok(()) };
    let is_known = requester.as_u64().is_some_and(|id| caller.read(|state| state.store.get(USERS, id).is_some()));
    if is_known { Ok(()) } else { Err(ApiError::invalid("requester", "InvalidValue", "Requester: is not valid")) }
}

pub(crate) async fn create(caller: Caller, body: Json<Body>) -> Result<HttpResponse, ApiError> {
    let mut fields = body.into_inner().ticket;
    check_requester(&caller, &fields)?;
    if !fields.contains_key("comment") {
        return Err(ApiError::invalid("base", "BlankValue", "Description: cannot be blank"));
    }
    with_comment(None, &mut fields)?;
    caller.write(By::Api, |ledger| {
        let id = site::create(ledger, TICKETS, fields)?;
        let ticket = ledger.state.store.get(TICKETS, id).ok_or_else(ApiError::not_found)?;
        Ok(HttpResponse::Created().json(json!({"ticket": show::whole(TICKETS, ticket), "audit": {"id": ledger.now}})))
    })
}

pub(crate) async fn update(
    caller: Caller,
    path: Path<(String, u64)>,
    body: Json<Body>,
) -> Result<HttpResponse, ApiError> {
    let mut fields = body.into_inner().ticket;
    check_requester(&caller, &fields)?;
    caller.write(By::Api, |ledger| {
        let before = ledger.state.store.get(TICKETS, path.1).ok_or_else(ApiError::not_found)?;
        with_comment(before.value("/comments"), &mut fields)?;
        site::update(ledger, TICKETS, path.1, fields)?;
        let ticket = ledger.state.store.get(TICKETS, path.1).ok_or_else(ApiError::not_found)?;
        Ok(HttpResponse::Ok().json(json!({"ticket": show::whole(TICKETS, ticket), "audit": {"id": ledger.now}})))
    })
}

pub(crate) async fn remove(caller: Caller, path: Path<(String, u64)>) -> Result<HttpResponse, ApiError> {
    caller.write(By::Api, |ledger| site::remove(ledger, TICKETS, path.1))?;
    Ok(HttpResponse::NoContent().finish())
}
