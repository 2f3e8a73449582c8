//! Collections: up to two hundred rows in one request, each with a result of its own.

use actix_web::{
    HttpResponse,
    web::{Json, Path, Query},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    errors::ApiError,
    gate::Caller,
    ids, org, schema,
    sobjects::{self, by_key, number},
};
use crate::journal::By;

const MOST: usize = 200;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Rows {
    /// Nothing of this is done for the whole of a collection here; who wants that is told so.
    #[serde(default)]
    all_or_none: bool,
    records: Vec<Map<String, Value>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Named {
    ids: String,
}

impl Rows {
    fn checked(self) -> Result<Vec<Map<String, Value>>, ApiError> {
        if self.all_or_none {
            return Err(ApiError::new(501, "NOT_IMPLEMENTED", "allOrNone is not there in the sandbox"));
        }
        at_most(self.records.len())?;
        Ok(self.records)
    }
}

fn at_most(rows: usize) -> Result<(), ApiError> {
    if rows <= MOST {
        return Ok(());
    }
    let told = format!("record limit reached. cannot submit more than {MOST} records in this call");
    Err(ApiError::new(400, "EXCEEDED_MAX_SIZE_REQUEST", told))
}

/// The type that a row says it is of.
fn kind_of(row: &Map<String, Value>) -> Result<&'static str, ApiError> {
    let told = row.get("attributes").and_then(|attributes| attributes.get("type")).and_then(Value::as_str);
    let known = told.and_then(schema::kind).map(|(kind, _)| kind);
    known.ok_or_else(|| ApiError::new(400, "INVALID_TYPE", "a row does not say which type it is of"))
}

fn done(kind: &str, id: u64) -> Value {
    json!({"id": ids::of(kind, id), "success": true, "errors": []})
}

fn results(rows: impl Iterator<Item = Result<Value, ApiError>>) -> HttpResponse {
    let rows: Vec<Value> = rows.map(|row| row.unwrap_or_else(|error| error.as_row())).collect();
    HttpResponse::Ok().json(rows)
}

pub(crate) async fn create(caller: Caller, rows: Json<Rows>) -> Result<HttpResponse, ApiError> {
    let rows = rows.into_inner().checked()?;
    Ok(caller.write(By::Api, |ledger| {
        results(rows.into_iter().map(|row| {
            let kind = kind_of(&row)?;
            org::create(ledger, kind, row).map(|id| done(kind, id))
        }))
    }))
}

pub(crate) async fn update(caller: Caller, rows: Json<Rows>) -> Result<HttpResponse, ApiError> {
    let rows = rows.into_inner().checked()?;
    Ok(caller.write(By::Api, |ledger| {
        results(rows.into_iter().map(|row| {
            let kind = kind_of(&row)?;
            let id = row.get("Id").or_else(|| row.get("id")).and_then(Value::as_str).unwrap_or_default();
            let number = number(kind, id)?;
            org::update(ledger, kind, number, row).map(|()| done(kind, number))
        }))
    }))
}

pub(crate) async fn upsert(
    caller: Caller,
    path: Path<(String, String, String)>,
    rows: Json<Rows>,
) -> Result<HttpResponse, ApiError> {
    let kind = sobjects::kind(&path.1)?;
    let rows = rows.into_inner().checked()?;
    Ok(caller.write(By::Api, |ledger| {
        results(rows.into_iter().map(|row| {
            let (id, is_new) = by_key(ledger, (kind, &path.2), row)?;
            Ok(json!({"id": ids::of(kind, id), "success": true, "errors": [], "created": is_new}))
        }))
    }))
}

pub(crate) async fn remove(caller: Caller, named: Query<Named>) -> Result<HttpResponse, ApiError> {
    let all: Vec<&str> = named.ids.split(',').filter(|id| !id.is_empty()).collect();
    at_most(all.len())?;
    Ok(caller.write(By::Api, |ledger| {
        results(all.into_iter().map(|id| {
            let (kind, number) =
                ids::read(id).ok_or_else(|| ApiError::new(400, "MALFORMED_ID", format!("malformed id {id}")))?;
            org::remove(ledger, kind, number).map(|()| done(kind, number))
        }))
    }))
}
