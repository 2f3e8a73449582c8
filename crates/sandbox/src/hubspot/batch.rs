//! Batches of up to a hundred objects. An item that fails is reported beside the others, in a 207.

use std::collections::HashSet;

use actix_web::{HttpResponse, http::StatusCode, web};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    ApiError,
    changes::Changes,
    gate::Caller,
    kinds::Kind,
    objects::{self, NewAssociation, ObjectPath},
    record::Shown,
    validation,
};
use crate::{clock, journal::By};

const MOST_INPUTS: usize = 100;
/// Histories make rows long; fewer fit.
const MOST_WITH_HISTORY: usize = 50;

#[derive(Debug, Deserialize)]
pub(crate) struct Batch<T> {
    inputs: Vec<T>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ReadBatch {
    inputs: Vec<Named>,
    #[serde(default)]
    properties: Vec<String>,
    #[serde(default)]
    properties_with_history: Vec<String>,
    id_property: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Named {
    id: String,
}

/// One object to write. Which fields are needed depends on the endpoint.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Item {
    #[serde(default)]
    id: String,
    id_property: Option<String>,
    properties: Map<String, Value>,
    #[serde(default)]
    associations: Vec<NewAssociation>,
    object_write_trace_id: Option<String>,
}

/// What became of the items so far.
#[derive(Default)]
struct Outcome {
    results: Vec<Value>,
    errors: Vec<Value>,
}

impl Outcome {
    fn take(&mut self, item: &Item, result: Result<Value, ApiError>) {
        let trace_id = item.object_write_trace_id.as_deref();
        match result {
            Ok(mut body) => {
                if let (Some(trace_id), Some(fields)) = (trace_id, body.as_object_mut()) {
                    fields.insert("objectWriteTraceId".into(), json!(trace_id));
                }
                self.results.push(body);
            }
            Err(error) => {
                let ids = Some(&item.id).filter(|id| !id.is_empty()).cloned();
                self.errors.push(error.as_item(ids.as_slice(), trace_id));
            }
        }
    }

    fn answer(self, well: StatusCode, started_at: clock::Millis) -> HttpResponse {
        let mut body = json!({
            "status": "COMPLETE", "results": self.results,
            "startedAt": clock::iso(started_at), "completedAt": clock::iso(clock::now()),
        });
        if self.errors.is_empty() {
            return HttpResponse::build(well).json(body);
        }
        if let Some(fields) = body.as_object_mut() {
            fields.insert("numErrors".into(), json!(self.errors.len()));
            fields.insert("errors".into(), json!(self.errors));
        }
        HttpResponse::MultiStatus().json(body)
    }
}

fn check_size<T>(inputs: &[T], most: usize) -> Result<(), ApiError> {
    match inputs.len() {
        0 => Err(ApiError::validation("The batch holds no inputs")),
        count if count > most => Err(ApiError::validation(format!(
            "The maximum number of inputs supported in a batch request is {most}. {count} were sent."
        ))),
        _ => Ok(()),
    }
}

/// HubSpot refuses a whole batch that names an object twice.
fn check_distinct(inputs: &[Item]) -> Result<(), ApiError> {
    let mut seen = HashSet::new();
    let twice = inputs.iter().find(|item| !seen.insert((item.id_property.as_deref(), item.id.to_lowercase())));
    match twice {
        None => Ok(()),
        Some(item) => {
            Err(ApiError::validation(format!("Duplicate IDs found in batch input: [{}]. IDs must be unique", item.id)))
        }
    }
}

/// Writes the items one after another under one lock.
fn write_each(
    caller: &Caller,
    inputs: Vec<Item>,
    well: StatusCode,
    work: impl Fn(&mut Changes<'_>, &Item) -> Result<Value, ApiError>,
) -> HttpResponse {
    let started_at = clock::now();
    caller
        .write(By::Api, |changes| {
            let mut outcome = Outcome::default();
            for item in inputs {
                let result = work(changes, &item);
                outcome.take(&item, result);
            }
            outcome
        })
        .answer(well, started_at)
}

fn create(
    changes: &mut Changes<'_>,
    kind: Kind,
    item: &Item,
    properties: Map<String, Value>,
) -> Result<Value, ApiError> {
    let values = validation::read_values(properties)?;
    let ends = objects::ends(kind, &item.associations)?;
    let id = changes.create(kind, values.clone(), &ends)?;
    Ok(objects::written(changes.state(), kind, id, &values))
}

fn update(changes: &mut Changes<'_>, kind: Kind, id: u64, item: &Item) -> Result<Value, ApiError> {
    let values = validation::read_values(item.properties.clone())?;
    changes.update(kind, id, values.clone())?;
    Ok(objects::written(changes.state(), kind, id, &values))
}

pub(crate) async fn create_batch(
    caller: Caller,
    path: web::Path<ObjectPath>,
    body: web::Json<Batch<Item>>,
) -> Result<HttpResponse, ApiError> {
    let (kind, inputs) = (path.kind()?, body.into_inner().inputs);
    check_size(&inputs, MOST_INPUTS)?;
    Ok(write_each(&caller, inputs, StatusCode::CREATED, |changes, item| {
        create(changes, kind, item, item.properties.clone())
    }))
}

pub(crate) async fn update_batch(
    caller: Caller,
    path: web::Path<ObjectPath>,
    body: web::Json<Batch<Item>>,
) -> Result<HttpResponse, ApiError> {
    let (kind, inputs) = (path.kind()?, body.into_inner().inputs);
    check_size(&inputs, MOST_INPUTS)?;
    check_distinct(&inputs)?;
    Ok(write_each(&caller, inputs, StatusCode::OK, |changes, item| {
        let found = objects::find(changes.state(), kind, &item.id, item.id_property.as_deref())?;
        update(changes, kind, found.ok_or_else(|| ApiError::not_found(&item.id))?, item)
    }))
}

pub(crate) async fn upsert_batch(
    caller: Caller,
    path: web::Path<ObjectPath>,
    body: web::Json<Batch<Item>>,
) -> Result<HttpResponse, ApiError> {
    let (kind, inputs) = (path.kind()?, body.into_inner().inputs);
    check_size(&inputs, MOST_INPUTS)?;
    check_distinct(&inputs)?;
    Ok(write_each(&caller, inputs, StatusCode::OK, |changes, item| upsert(changes, kind, item)))
}

/// By a unique property the object is made where none holds the value; by record id it must be there.
fn upsert(changes: &mut Changes<'_>, kind: Kind, item: &Item) -> Result<Value, ApiError> {
    let property = item.id_property.as_deref();
    let found = objects::find(changes.state(), kind, &item.id, property)?;
    let (mut body, new) = match (found, property) {
        (Some(id), _) => (update(changes, kind, id, item)?, false),
        (None, None | Some("hs_object_id")) => return Err(ApiError::not_found(&item.id)),
        (None, Some(property)) => {
            let mut properties = item.properties.clone();
            properties.entry(property).or_insert_with(|| json!(item.id));
            (create(changes, kind, item, properties)?, true)
        }
    };
    if let Some(fields) = body.as_object_mut() {
        fields.insert("new".into(), json!(new));
    }
    Ok(body)
}

pub(crate) async fn archive_batch(
    caller: Caller,
    path: web::Path<ObjectPath>,
    body: web::Json<Batch<Named>>,
) -> Result<HttpResponse, ApiError> {
    let (kind, inputs) = (path.kind()?, body.into_inner().inputs);
    check_size(&inputs, MOST_INPUTS)?;
    caller.write(By::Api, |changes| {
        for id in inputs.iter().filter_map(|input| input.id.parse().ok()) {
            // Ids that are not there are passed over, as the platform does.
            if let Err(error) = changes.archive(kind, id) {
                tracing::debug!(%error, id, "nothing to archive");
            }
        }
    });
    Ok(HttpResponse::NoContent().finish())
}

pub(crate) async fn read_batch(
    caller: Caller,
    path: web::Path<ObjectPath>,
    body: web::Json<ReadBatch>,
) -> Result<HttpResponse, ApiError> {
    let (kind, body, started_at) = (path.kind()?, body.into_inner(), clock::now());
    check_size(&body.inputs, if body.properties_with_history.is_empty() { MOST_INPUTS } else { MOST_WITH_HISTORY })?;
    let shown = Shown { properties: body.properties, with_history: body.properties_with_history };
    let mut outcome = Outcome::default();
    let mut missing = Vec::new();
    caller.read(|state| {
        for input in &body.inputs {
            let found = objects::find(state, kind, &input.id, body.id_property.as_deref())?;
            match found.and_then(|id| state.live(kind, id)) {
                Some(record) => outcome.results.push(record.show(&shown)),
                None => missing.push(input.id.clone()),
            }
        }
        Ok::<_, ApiError>(())
    })?;
    if !missing.is_empty() {
        let message = format!(
            "Could not get some {} objects, they may be deleted or not exist. Check that ids are valid.",
            kind.singular().to_uppercase()
        );
        let error = ApiError::new(StatusCode::NOT_FOUND, "OBJECT_NOT_FOUND", message);
        outcome.errors.push(error.as_item(&missing, None));
    }
    Ok(outcome.answer(StatusCode::OK, started_at))
}
