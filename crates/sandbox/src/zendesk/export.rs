//! The incremental export: everything that changed, in that order, with a cursor that stays good; and what was deleted.

use actix_web::{
    HttpResponse,
    web::{Path, Query},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    errors::ApiError,
    gate::Caller,
    show,
    site::{EXPORT_LAG, TICKETS, USERS},
};
use crate::{clock, store::Object};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    start_time: Option<i64>,
    cursor: Option<String>,
    per_page: Option<usize>,
}

fn kind_of(path: &str) -> Result<&'static str, ApiError> {
    [USERS, TICKETS].into_iter().find(|kind| *kind == path).ok_or_else(ApiError::not_found)
}

pub(crate) async fn list(
    caller: Caller,
    path: Path<(String, String)>,
    asked: Query<Asked>,
) -> Result<HttpResponse, ApiError> {
    let kind = kind_of(&path.1)?;
    let after = match (&asked.cursor, asked.start_time) {
        (Some(cursor), _) => read(cursor).ok_or_else(|| ApiError::malformed("cursor is not valid"))?,
        (None, Some(start)) if start > 0 => (start.saturating_mul(1_000), 0),
        (None, _) => return Err(ApiError::malformed("start_time is missing")),
    };
    let most = asked.per_page.unwrap_or(1_000).min(1_000);
    let mut rows: Vec<((i64, u64), Value)> = caller.read(|state| {
        // The last minute is left out.
        let until = clock::now().saturating_sub(state.faults.limit(EXPORT_LAG).map_or(0, i64::from));
        let store = &state.store;
        let rows =
            store.all(kind).chain(store.gone(kind)).map(|object| ((at(object), object.id), show::whole(kind, object)));
        rows.filter(|(key, _)| *key > after && key.0 <= until).collect()
    });
    rows.sort_by_key(|(key, _)| *key);
    let is_end = rows.len() <= most;
    rows.truncate(most);
    let cursor = rows.last().map_or(after, |(key, _)| *key);
    let rows: Vec<Value> = rows.into_iter().map(|(_, row)| row).collect();
    Ok(HttpResponse::Ok().json(json!({kind: rows, "after_cursor": write(cursor), "after_url": null,
                                      "before_cursor": null, "end_of_stream": is_end})))
}

pub(crate) async fn deleted(caller: Caller, path: Path<(String, String)>) -> Result<HttpResponse, ApiError> {
    let kind = kind_of(&path.1)?;
    let row = |object: &Object| {
        let at = show::seconds(at(object));
        json!({"id": object.id, "deleted_at": at, "updated_at": at})
    };
    let rows: Vec<Value> = caller.read(|state| state.store.gone(kind).map(row).collect());
    let mut body = json!({"meta": {"has_more": false, "after_cursor": null}});
    if let Some(fields) = body.as_object_mut() {
        fields.insert(format!("deleted_{kind}"), Value::Array(rows));
    }
    Ok(HttpResponse::Ok().json(body))
}

fn at(object: &Object) -> i64 {
    object.removed_at.unwrap_or(object.updated_at())
}

fn write((at, id): (i64, u64)) -> String {
    STANDARD.encode(format!("{at}||{id}"))
}

fn read(cursor: &str) -> Option<(i64, u64)> {
    let text = String::from_utf8(STANDARD.decode(cursor).ok()?).ok()?;
    let (at, id) = text.split_once("||")?;
    Some((at.parse().ok()?, id.parse().ok()?))
}
