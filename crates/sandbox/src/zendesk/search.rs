//! Searches. Their index lags the writes, as long as was switched on.

use actix_web::{HttpResponse, web::Query};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    errors::ApiError,
    gate::Caller,
    show,
    site::{TICKETS, USERS},
};
use crate::clock;

#[derive(Debug, Deserialize)]
pub(crate) struct Asked {
    query: String,
}

/// `email:"…"` and `phone:"…"`, which is all that anybody asks here.
pub(crate) async fn users(caller: Caller, asked: Query<Asked>) -> Result<HttpResponse, ApiError> {
    let (field, value) = asked.query.split_once(':').ok_or_else(|| ApiError::malformed("query cannot be read"))?;
    let value = value.trim_matches('"').to_lowercase();
    if !["email", "phone"].contains(&field) || value.is_empty() {
        return Err(ApiError::malformed("query cannot be read"));
    }
    let users: Vec<Value> = caller.read(|state| {
        let shown = clock::now().saturating_sub(state.faults.search_lag_ms);
        let hit = |user: &crate::store::Object| {
            let (_, fields) = user.at(shown)?;
            let is_it = fields.get(field).and_then(Value::as_str).is_some_and(|text| text.to_lowercase() == value);
            is_it.then(|| show::at(USERS, user, fields))
        };
        state.store.all(USERS).filter_map(hit).collect()
    });
    Ok(HttpResponse::Ok().json(json!({"users": users, "count": users.len(), "next_page": null})))
}

/// `type:ticket "…"`: whatever was said in a ticket.
pub(crate) async fn everything(caller: Caller, asked: Query<Asked>) -> Result<HttpResponse, ApiError> {
    let text = asked.query.strip_prefix("type:ticket ").ok_or_else(|| ApiError::malformed("query cannot be read"))?;
    let text = text.trim_matches('"');
    let results: Vec<Value> = caller.read(|state| {
        let shown = clock::now().saturating_sub(state.faults.search_lag_ms);
        let hit = |ticket: &crate::store::Object| {
            let (_, fields) = ticket.at(shown)?;
            let said = fields.get("comments").map(Value::to_string).unwrap_or_default();
            said.contains(text).then(|| show::at(TICKETS, ticket, fields))
        };
        state.store.all(TICKETS).filter_map(hit).collect()
    });
    Ok(HttpResponse::Ok().json(json!({"results": results, "count": results.len()})))
}
