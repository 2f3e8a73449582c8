//! Ties between objects: made, listed, removed, one by one and in batches.

use actix_web::{HttpResponse, http::StatusCode, web};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    ApiError,
    changes::{Changes, End},
    gate::Caller,
    kinds::Kind,
};
use crate::{
    clock,
    journal::{Action, By},
};

#[derive(Debug, Deserialize)]
pub(crate) struct TiePath {
    kind: String,
    id: u64,
    to: String,
    #[serde(default)]
    to_id: u64,
}

impl TiePath {
    fn ends(&self) -> Result<(End, End), ApiError> {
        Ok(((Kind::parse(&self.kind)?, self.id), (Kind::parse(&self.to)?, self.to_id)))
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Label {
    association_category: String,
    association_type_id: u32,
}

#[derive(Debug, Deserialize)]
pub(crate) struct PageQuery {
    #[serde(default)]
    limit: Option<usize>,
    #[serde(default)]
    after: Option<u64>,
}

fn tie(changes: &mut Changes<'_>, from: End, to: End) -> Result<Value, ApiError> {
    for (kind, id) in [from, to] {
        if changes.state().live(kind, id).is_none() {
            return Err(ApiError::not_found(&id.to_string()));
        }
    }
    let no_tie = || ApiError::validation(format!("{} cannot be associated with {}", from.0.plural(), to.0.plural()));
    let type_id = from.0.association_to(to.0).ok_or_else(no_tie)?;
    changes.tie(from, to, Action::Associated);
    Ok(json!({
        "from": {"id": from.1.to_string()},
        "to": {"id": to.1.to_string()},
        "associationSpec": {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": type_id},
    }))
}

pub(crate) async fn associate(caller: Caller, path: web::Path<TiePath>) -> Result<HttpResponse, ApiError> {
    let (started_at, (from, to)) = (clock::now(), path.ends()?);
    let result = caller.write(By::Api, |changes| tie(changes, from, to))?;
    Ok(HttpResponse::Ok().json(complete(&[result], &[], started_at)))
}

pub(crate) async fn associate_as(
    caller: Caller,
    path: web::Path<TiePath>,
    labels: web::Json<Vec<Label>>,
) -> Result<HttpResponse, ApiError> {
    let (from, to) = path.ends()?;
    let fits = |label: &Label| {
        label.association_category == "HUBSPOT_DEFINED"
            && from.0.association_target(label.association_type_id) == Some(to.0)
    };
    if labels.is_empty() || !labels.iter().all(fits) {
        return Err(ApiError::validation("One or more associations are not valid for these object types"));
    }
    caller.write(By::Api, |changes| tie(changes, from, to))?;
    Ok(HttpResponse::Created().json(json!({
        "fromObjectTypeId": from.0.type_id(), "fromObjectId": from.1,
        "toObjectTypeId": to.0.type_id(), "toObjectId": to.1, "labels": [],
    })))
}

/// Untying what is not tied is well, and no write.
fn untie(changes: &mut Changes<'_>, from: End, to: End) {
    if changes.state().tied(from, to.0).any(|id| id == to.1) {
        changes.tie(from, to, Action::Disassociated);
    }
}

pub(crate) async fn dissociate(caller: Caller, path: web::Path<TiePath>) -> Result<HttpResponse, ApiError> {
    let (from, to) = path.ends()?;
    caller.write(By::Api, |changes| untie(changes, from, to));
    Ok(HttpResponse::NoContent().finish())
}

fn show(from: Kind, to: Kind, id: u64) -> Value {
    json!({"toObjectId": id, "associationTypes": [
        {"category": "HUBSPOT_DEFINED", "typeId": from.association_to(to), "label": null},
    ]})
}

pub(crate) async fn list_associations(
    caller: Caller,
    path: web::Path<TiePath>,
    page: web::Query<PageQuery>,
) -> Result<HttpResponse, ApiError> {
    let (from, (to, _)) = path.ends()?;
    let limit = page.limit.unwrap_or(500);
    if limit == 0 || limit > 500 {
        return Err(ApiError::validation("limit must be between 1 and 500"));
    }
    let mut tied: Vec<u64> = caller.read(|state| match state.live(from.0, from.1) {
        Some(_) => Ok(state.tied(from, to).filter(|id| *id >= page.after.unwrap_or_default()).collect()),
        None => Err(ApiError::not_found(&from.1.to_string())),
    })?;
    let rest = tied.split_off(limit.min(tied.len()));
    let results: Vec<Value> = tied.into_iter().map(|id| show(from.0, to, id)).collect();
    let mut body = json!({"results": results});
    if let (Some(next), Some(fields)) = (rest.first(), body.as_object_mut()) {
        fields.insert("paging".into(), json!({"next": {"after": next.to_string()}}));
    }
    Ok(HttpResponse::Ok().json(body))
}

#[derive(Debug, Deserialize)]
pub(crate) struct BatchPath {
    from: String,
    to: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Batch<T> {
    inputs: Vec<T>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Pair {
    from: Named,
    to: Named,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Named {
    id: String,
}

pub(crate) async fn associate_batch(
    caller: Caller,
    path: web::Path<BatchPath>,
    body: web::Json<Batch<Pair>>,
) -> Result<HttpResponse, ApiError> {
    let (from, to, started_at) = (Kind::parse(&path.from)?, Kind::parse(&path.to)?, clock::now());
    let (mut results, mut errors) = (Vec::new(), Vec::new());
    caller.write(By::Api, |changes| {
        for pair in &body.inputs {
            let number = |named: &Named| named.id.parse().ok().ok_or_else(|| ApiError::not_found(&named.id));
            let tied = number(&pair.from).and_then(|a| Ok((a, number(&pair.to)?)));
            match tied.and_then(|(a, b)| tie(changes, (from, a), (to, b))) {
                Ok(result) => results.push(result),
                Err(error) => errors.push(error.as_item(&[pair.from.id.clone(), pair.to.id.clone()], None)),
            }
        }
    });
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::MULTI_STATUS };
    Ok(HttpResponse::build(status).json(complete(&results, &errors, started_at)))
}

/// One object and those from which it is to be untied.
#[derive(Debug, Deserialize)]
pub(crate) struct Sheaf {
    from: Named,
    to: Vec<Named>,
}

pub(crate) async fn dissociate_batch(
    caller: Caller,
    path: web::Path<BatchPath>,
    body: web::Json<Batch<Sheaf>>,
) -> Result<HttpResponse, ApiError> {
    let (from, to) = (Kind::parse(&path.from)?, Kind::parse(&path.to)?);
    caller.write(By::Api, |changes| {
        for sheaf in &body.inputs {
            let Ok(id) = sheaf.from.id.parse() else { continue };
            for other in sheaf.to.iter().filter_map(|named| named.id.parse().ok()) {
                untie(changes, (from, id), (to, other));
            }
        }
    });
    Ok(HttpResponse::NoContent().finish())
}

pub(crate) async fn read_batch(
    caller: Caller,
    path: web::Path<BatchPath>,
    body: web::Json<Batch<Named>>,
) -> Result<HttpResponse, ApiError> {
    let (from, to, started_at) = (Kind::parse(&path.from)?, Kind::parse(&path.to)?, clock::now());
    let results: Vec<Value> = caller.read(|state| {
        let tied = body.inputs.iter().filter_map(|input| {
            let id = input.id.parse().ok()?;
            let ids: Vec<Value> = state.tied((from, id), to).map(|other| show(from, to, other)).collect();
            (!ids.is_empty()).then(|| json!({"from": {"id": input.id}, "to": ids}))
        });
        tied.collect()
    });
    Ok(HttpResponse::Ok().json(complete(&results, &[], started_at)))
}

fn complete(results: &[Value], errors: &[Value], started_at: clock::Millis) -> Value {
    let mut body = json!({
        "status": "COMPLETE", "results": results,
        "startedAt": clock::iso(started_at), "completedAt": clock::iso(clock::now()),
    });
    if let Some(fields) = body.as_object_mut().filter(|_| !errors.is_empty()) {
        fields.insert("numErrors".into(), json!(errors.len()));
        fields.insert("errors".into(), json!(errors));
    }
    body
}
