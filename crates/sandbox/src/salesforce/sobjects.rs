//! Objects one by one, and what was deleted of them.

use actix_web::{
    HttpResponse,
    web::{Json, Path, Query},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    errors::ApiError,
    gate::Caller,
    ids,
    org::{self, Org},
    query,
    schema::{self, KEY},
};
use crate::{clock, desk::Ledger, journal::By};

type Fields = Json<Map<String, Value>>;

/// The type that a path names.
pub(crate) fn kind(name: &str) -> Result<&'static str, ApiError> {
    schema::kind(name).map(|(kind, _)| kind).ok_or_else(ApiError::not_found)
}

/// The object of this type that an id names.
pub(crate) fn number(kind: &str, id: &str) -> Result<u64, ApiError> {
    let (known, number) =
        ids::read(id).ok_or_else(|| ApiError::new(400, "MALFORMED_ID", format!("malformed id {id}")))?;
    if known == kind { Ok(number) } else { Err(ApiError::not_found()) }
}

pub(crate) async fn create(
    caller: Caller,
    path: Path<(String, String)>,
    fields: Fields,
) -> Result<HttpResponse, ApiError> {
    let kind = kind(&path.1)?;
    let id = caller.write(By::Api, |ledger| org::create(ledger, kind, fields.into_inner()))?;
    Ok(HttpResponse::Created().json(json!({"id": ids::of(kind, id), "success": true, "errors": []})))
}

pub(crate) async fn get(caller: Caller, path: Path<(String, String, String)>) -> Result<HttpResponse, ApiError> {
    let (kind, fields) = schema::kind(&path.1).ok_or_else(ApiError::not_found)?;
    let number = number(kind, &path.2)?;
    caller.read(|state| {
        let object = org::there(&state.store, kind, number)?;
        let columns: Vec<_> = schema::COMMON.iter().chain(fields).collect();
        Ok(HttpResponse::Ok().json(query::row(kind, object, &columns)))
    })
}

pub(crate) async fn update(
    caller: Caller,
    path: Path<(String, String, String)>,
    fields: Fields,
) -> Result<HttpResponse, ApiError> {
    let kind = kind(&path.1)?;
    let number = number(kind, &path.2)?;
    caller.write(By::Api, |ledger| org::update(ledger, kind, number, fields.into_inner()))?;
    Ok(HttpResponse::NoContent().finish())
}

pub(crate) async fn remove(caller: Caller, path: Path<(String, String, String)>) -> Result<HttpResponse, ApiError> {
    let kind = kind(&path.1)?;
    let number = number(kind, &path.2)?;
    caller.write(By::Api, |ledger| org::remove(ledger, kind, number))?;
    Ok(HttpResponse::NoContent().finish())
}

/// By the key of another system: made where there is none, changed where there is one.
pub(crate) async fn upsert(
    caller: Caller,
    path: Path<(String, String, String, String)>,
    fields: Fields,
) -> Result<HttpResponse, ApiError> {
    let (kind, mut fields) = (kind(&path.1)?, fields.into_inner());
    fields.insert(KEY.to_owned(), json!(path.3));
    let (id, is_new) = caller.write(By::Api, |ledger| by_key(ledger, (kind, &path.2), fields))?;
    let body = json!({"id": ids::of(kind, id), "success": true, "errors": [], "created": is_new});
    Ok(if is_new { HttpResponse::Created().json(body) } else { HttpResponse::Ok().json(body) })
}

/// Creates or changes the object that holds the key among these fields.
pub(crate) fn by_key(
    ledger: &mut Ledger<'_, Org>,
    (kind, field): (&'static str, &str),
    fields: Map<String, Value>,
) -> Result<(u64, bool), ApiError> {
    if !field.eq_ignore_ascii_case(KEY) || !org::has_key(ledger.state) {
        return Err(ApiError::row_not_found());
    }
    let key = fields.get(KEY).cloned().filter(|key| key.as_str().is_some_and(|key| !key.is_empty()));
    let key = key.ok_or_else(|| ApiError::field("MISSING_ARGUMENT", KEY, format!("{KEY} not specified")))?;
    let there = ledger.state.store.all(kind).find(|object| object.value(&format!("/{KEY}")) == Some(&key));
    match there.map(|object| object.id) {
        Some(id) => org::update(ledger, kind, id, fields).map(|()| (id, false)),
        None => org::create(ledger, kind, fields).map(|id| (id, true)),
    }
}

#[derive(Debug, Deserialize)]
pub(crate) struct Window {
    start: String,
    end: String,
}

pub(crate) async fn list_deleted(
    caller: Caller,
    path: Path<(String, String)>,
    window: Query<Window>,
) -> Result<HttpResponse, ApiError> {
    let kind = kind(&path.1)?;
    let time = |text: &str| {
        clock::parse(text).ok_or_else(|| ApiError::new(400, "INVALID_REPLICATION_DATE", format!("{text} is no time")))
    };
    let (start, end) = (time(&window.start)?, time(&window.end)?);
    if start > end {
        return Err(ApiError::new(400, "INVALID_REPLICATION_DATE", "startDate must be before endDate"));
    }
    let rows: Vec<Value> = caller.read(|state| {
        let gone = state.store.gone(kind).filter_map(|object| Some((object.id, object.removed_at?)));
        // Seconds are ignored: the whole of the last minute is told.
        let in_window = gone.filter(|(_, at)| *at >= start && *at < end.saturating_add(60_000));
        in_window.map(|(id, at)| json!({"id": ids::of(kind, id), "deletedDate": query::moment(at)})).collect()
    });
    Ok(HttpResponse::Ok().json(json!({
        "deletedRecords": rows, "earliestDateAvailable": query::moment(start), "latestDateCovered": query::moment(end),
    })))
}
