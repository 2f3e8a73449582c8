//! Searches. Their index lags the writes, as long as was switched on.

use actix_web::{
    HttpResponse,
    web::{Path, Query},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    company::{DEALS, PERSONS},
    errors::ApiError,
    gate::Caller,
};
use crate::clock;

/// What is searched for.
#[derive(Debug, Deserialize)]
pub(crate) struct Asked {
    term: String,
    fields: Option<String>,
    #[serde(default)]
    exact_match: bool,
    limit: Option<usize>,
}

pub(crate) async fn search(caller: Caller, path: Path<String>, asked: Query<Asked>) -> Result<HttpResponse, ApiError> {
    let kind = match path.as_str() {
        PERSONS => PERSONS,
        DEALS => DEALS,
        _ => return Err(ApiError::not_found("path")),
    };
    let least = if asked.exact_match { 1 } else { 2 };
    if asked.term.trim().chars().count() < least {
        return Err(ApiError::invalid("term", "is too short"));
    }
    let usual = if kind == PERSONS { "custom_fields,email,phone,name" } else { "custom_fields,title" };
    let wanted: Vec<&str> = asked.fields.as_deref().unwrap_or(usual).split(',').map(str::trim).collect();
    if wanted.iter().any(|field| !["custom_fields", "email", "phone", "name", "notes", "title"].contains(field)) {
        return Err(ApiError::invalid("fields", "cannot be searched"));
    }
    let term = asked.term.trim().to_lowercase();
    let is_hit = |text: &str| {
        let text = text.to_lowercase();
        if asked.exact_match { text == term } else { text.contains(&term) }
    };
    let items: Vec<Value> = caller.read(|state| {
        let shown = clock::now().saturating_sub(state.faults.search_lag_ms);
        let hits = state.store.all(kind).filter_map(|object| {
            let (_, fields) = object.at(shown)?;
            wanted.iter().flat_map(|field| texts(fields, field)).any(is_hit).then(|| hit(object.id, fields))
        });
        hits.take(asked.limit.unwrap_or(100)).collect()
    });
    Ok(HttpResponse::Ok()
        .json(json!({"success": true, "data": {"items": items}, "additional_data": {"next_cursor": null}})))
}

fn texts<'a>(fields: &'a Map<String, Value>, field: &str) -> Vec<&'a str> {
    let values = |list: &str| {
        let entries = fields.get(list).and_then(Value::as_array).into_iter().flatten();
        entries.filter_map(|entry| entry.get("value").and_then(Value::as_str)).collect()
    };
    match field {
        "email" => values("emails"),
        "phone" => values("phones"),
        "custom_fields" => {
            let own = fields.get("custom_fields").and_then(Value::as_object);
            own.into_iter().flat_map(Map::values).filter_map(Value::as_str).collect()
        }
        other => fields.get(other).and_then(Value::as_str).into_iter().collect(),
    }
}

fn hit(id: u64, fields: &Map<String, Value>) -> Value {
    json!({"result_score": 1.0, "item": {
        "id": id, "name": fields.get("name"), "title": fields.get("title"), "phones": texts(fields, "phone"),
        "emails": texts(fields, "email"), "custom_fields": texts(fields, "custom_fields"), "notes": [],
    }})
}
