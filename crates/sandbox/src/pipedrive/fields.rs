//! Fields: those that every company has, and its own, each under a code that nobody can foresee.

use actix_web::{
    HttpResponse,
    web::{Json, Path, Query},
};
use serde_json::{Map, Value, json};

use super::{
    bodies,
    company::{ACTIVITIES, DEALS, NO_FIELDS, PERSONS},
    errors::ApiError,
    gate::Caller,
    listing::{self, Asked},
};
use crate::{journal::By, store::Store};

/// The shelf of a kind's own fields, and the kind.
fn shelf(path: &str) -> Result<(&'static str, &'static str), ApiError> {
    match path {
        "personFields" => Ok(("person_fields", PERSONS)),
        "dealFields" => Ok(("deal_fields", DEALS)),
        "activityFields" => Ok(("activity_fields", ACTIVITIES)),
        _ => Err(ApiError::not_found("path")),
    }
}

fn shelf_of(kind: &str) -> &'static str {
    match kind {
        PERSONS => "person_fields",
        DEALS => "deal_fields",
        _ => "activity_fields",
    }
}

/// What a company's own field holds; `None` where it has no such field.
pub(crate) fn sort_of<'a>(store: &'a Store, kind: &str, code: &str) -> Option<&'a str> {
    let field = store.all(shelf_of(kind)).find(|field| field.text("/field_code") == code)?;
    Some(field.text("/field_type"))
}

/// The codes of a company's own fields of a kind.
pub(crate) fn codes<'a>(store: &'a Store, kind: &str) -> impl Iterator<Item = &'a str> {
    store.all(shelf_of(kind)).map(|field| field.text("/field_code"))
}

pub(crate) async fn list(caller: Caller, path: Path<String>, asked: Query<Asked>) -> Result<HttpResponse, ApiError> {
    let (shelf, kind) = shelf(&path)?;
    let standard = bodies::standard(kind).map(|name| described(name, sort(name)));
    let peculiar = [("id", "int"), ("update_time", "date"), ("add_time", "date")];
    let peculiar = peculiar.into_iter().map(|(name, sort)| described(name, sort));
    let own = caller.read(|state| {
        state.store.all(shelf).map(|field| Value::Object(field.fields().clone())).collect::<Vec<Value>>()
    });
    let all: Vec<Value> = standard.chain(peculiar).chain(own).collect();
    let all = all.into_iter().enumerate().map(|(at, field)| ((i64::try_from(at).unwrap_or_default(), 0), field));
    listing::page(all.collect(), &asked)
}

fn sort(name: &str) -> &'static str {
    match name {
        "emails" => "varchar",
        "phones" => "phone",
        "value" => "monetary",
        "status" => "enum",
        "label_ids" => "set",
        "expected_close_date" | "due_date" | "birthday" => "date",
        "due_time" | "duration" => "time",
        "done" | "busy" | "is_archived" => "boolean",
        "note" | "notes" | "public_description" => "text",
        "owner_id" => "user",
        "org_id" => "org",
        "person_id" | "participants" => "people",
        "stage_id" => "stage",
        "pipeline_id" | "visible_to" | "probability" | "priority" | "deal_id" => "int",
        "postal_address" | "location" => "address",
        _ => "varchar",
    }
}

fn described(code: &str, sort: &str) -> Value {
    let name = code.replace('_', " ");
    let options = (code == "status")
        .then(|| ["open", "won", "lost"].iter().map(|word| json!({"id": word, "label": word})).collect::<Vec<Value>>());
    json!({"field_name": name, "field_code": code, "field_type": sort, "options": options, "subfields": null,
           "is_custom_field": false, "is_optional_response_field": false})
}

pub(crate) async fn create(
    caller: Caller,
    path: Path<String>,
    body: Json<Map<String, Value>>,
) -> Result<HttpResponse, ApiError> {
    let (shelf, kind) = shelf(&path)?;
    if kind == ACTIVITIES {
        return Err(ApiError::not_found("path"));
    }
    if caller.read(|state| state.faults.is_on(NO_FIELDS)) {
        return Err(ApiError::out_of_scope());
    }
    let text = |name: &str| body.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let name = text("field_name").ok_or_else(|| ApiError::invalid("field_name", "is required"))?;
    let sort = text("field_type").ok_or_else(|| ApiError::invalid("field_type", "is required"))?;
    let field = json!({"field_name": name, "field_code": format!("{:032x}{:08x}", rand::random::<u128>(), rand::random::<u32>()),
                       "field_type": sort, "options": body.get("options"), "subfields": null, "is_custom_field": true,
                       "is_optional_response_field": false});
    let Value::Object(fields) = field.clone() else { return Err(ApiError::invalid("body", "must be an object")) };
    caller.write(By::Api, |ledger| ledger.create(shelf, fields));
    Ok(HttpResponse::Ok().json(json!({"success": true, "data": field, "additional_data": null})))
}
