//! Persons, deals and activities: lists, reads and writes.

use std::collections::BTreeSet;

use actix_web::{
    HttpResponse,
    web::{Json, Path, Query},
};
use serde_json::{Map, Value, json};

use super::{
    company::{self, ACTIVITIES, DEALS, PERSONS},
    errors::ApiError,
    gate::Caller,
    listing::{self, Asked, Key},
    show,
};
use crate::{clock, journal::By, store::Object};

/// A list names so many ids at most.
const MOST_IDS: usize = 100;

fn kind_of(path: &str) -> Result<&'static str, ApiError> {
    [PERSONS, DEALS, ACTIVITIES].into_iter().find(|kind| *kind == path).ok_or_else(|| ApiError::not_found("path"))
}

pub(crate) async fn list(caller: Caller, path: Path<String>, asked: Query<Asked>) -> Result<HttpResponse, ApiError> {
    let kind = kind_of(&path)?;
    let ids = asked.ids.as_deref().map(read_ids).transpose()?;
    let since = asked.updated_since.as_deref().map(moment).transpose()?;
    let sort_by = asked.sort_by.as_deref().unwrap_or("id");
    if !["id", "update_time", "add_time"].contains(&sort_by) {
        return Err(ApiError::invalid("sort_by", "must be id, update_time or add_time"));
    }
    let deleted = kind == DEALS && asked.status.as_deref() == Some("deleted");
    let status = asked.status.as_deref().filter(|_| kind == DEALS && !deleted);
    let changed_at = |object: &Object| object.removed_at.unwrap_or(object.updated_at()) / 1_000;
    let key = |object: &Object| -> Key {
        let value = match sort_by {
            "update_time" => changed_at(object),
            "add_time" => object.created_at / 1_000,
            _ => 0,
        };
        (value, object.id)
    };
    let is_asked = |object: &&Object| {
        let is_archived = object.value("/is_archived") == Some(&Value::Bool(true));
        let is_theirs = asked.person_id.is_none_or(|person| {
            object.value("/person_id").and_then(Value::as_u64).or_else(|| show::primary(object)) == Some(person)
        });
        ids.as_ref().is_none_or(|ids| ids.contains(&object.id))
            && since.is_none_or(|since| changed_at(object) >= since / 1_000)
            && status.is_none_or(|status| status.split(',').any(|one| one == object.text("/status")))
            && !is_archived
            && is_theirs
    };
    let rows = caller.read(|state| {
        let store = &state.store;
        let row = |object: &Object| (key(object), show::whole(store, kind, object));
        if deleted {
            store.gone(kind).filter(is_asked).map(row).collect()
        } else {
            store.all(kind).filter(is_asked).map(row).collect::<Vec<_>>()
        }
    });
    listing::page(rows, &asked)
}

fn read_ids(text: &str) -> Result<BTreeSet<u64>, ApiError> {
    let ids: Option<BTreeSet<u64>> = text.split(',').map(|id| id.trim().parse::<u64>().ok()).collect();
    let ids = ids.ok_or_else(|| ApiError::invalid("ids", "must be integers"))?;
    if ids.len() > MOST_IDS { Err(ApiError::invalid("ids", "must be 100 at most")) } else { Ok(ids) }
}

/// Fractions of a second are refused, as by the real one.
fn moment(text: &str) -> Result<i64, ApiError> {
    let wrong = || ApiError::invalid("updated_since", "must be in RFC3339 format");
    if text.contains('.') || !text.contains('T') { Err(wrong()) } else { clock::parse(text).ok_or_else(wrong) }
}

pub(crate) async fn get(caller: Caller, path: Path<(String, u64)>) -> Result<HttpResponse, ApiError> {
    let (kind, id) = path.into_inner();
    let kind = kind_of(&kind)?;
    caller.read(|state| {
        let object = state.store.any(kind, id).filter(|object| object.removed_at.is_none() || kind == DEALS);
        let object = object.ok_or_else(|| ApiError::not_found(kind))?;
        Ok(found(&show::whole(&state.store, kind, object)))
    })
}

pub(crate) async fn create(
    caller: Caller,
    path: Path<String>,
    body: Json<Map<String, Value>>,
) -> Result<HttpResponse, ApiError> {
    let kind = kind_of(&path)?;
    caller.write(By::Api, |ledger| {
        let id = company::create(ledger, kind, body.into_inner())?;
        let object = ledger.state.store.get(kind, id).ok_or_else(|| ApiError::not_found(kind))?;
        Ok(found(&show::whole(&ledger.state.store, kind, object)))
    })
}

pub(crate) async fn update(
    caller: Caller,
    path: Path<(String, u64)>,
    body: Json<Map<String, Value>>,
) -> Result<HttpResponse, ApiError> {
    let (kind, id) = path.into_inner();
    let kind = kind_of(&kind)?;
    caller.write(By::Api, |ledger| {
        company::update(ledger, kind, id, body.into_inner())?;
        let object = ledger.state.store.get(kind, id).ok_or_else(|| ApiError::not_found(kind))?;
        Ok(found(&show::whole(&ledger.state.store, kind, object)))
    })
}

pub(crate) async fn remove(caller: Caller, path: Path<(String, u64)>) -> Result<HttpResponse, ApiError> {
    let (kind, id) = path.into_inner();
    let kind = kind_of(&kind)?;
    caller.write(By::Api, |ledger| company::remove(ledger, kind, id))?;
    Ok(HttpResponse::Ok().json(json!({"success": true, "data": {"id": id}})))
}

fn found(object: &Value) -> HttpResponse {
    HttpResponse::Ok().json(json!({"success": true, "data": object, "additional_data": null}))
}
