//! Single objects: create, read, update, archive, list.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    ApiError, Record,
    account::State,
    changes::End,
    gate::Caller,
    kinds::Kind,
    record::Shown,
    validation::{self, Values},
};
use crate::journal::By;

#[derive(Debug, Deserialize)]
pub(crate) struct ObjectPath {
    kind: String,
    #[serde(default)]
    id: String,
}

impl ObjectPath {
    pub(crate) fn kind(&self) -> Result<Kind, ApiError> {
        Kind::parse(&self.kind)
    }
}

/// The query of a read. Lists come repeated or with commas.
#[derive(Debug, Default)]
pub(crate) struct ReadQuery {
    pub(crate) shown: Shown,
    associations: Vec<String>,
    archived: bool,
    id_property: Option<String>,
    limit: Option<usize>,
    after: Option<u64>,
}

impl ReadQuery {
    fn parse(request: &HttpRequest) -> Result<Self, ApiError> {
        let mut query = Self::default();
        let number = |name: &str, value: &str| ApiError::validation(format!("{name} is not a valid number: {value}"));
        for (name, value) in url::form_urlencoded::parse(request.query_string().as_bytes()) {
            let list = || value.split(',').filter(|part| !part.is_empty()).map(str::to_owned);
            match &*name {
                "properties" => query.shown.properties.extend(list()),
                "propertiesWithHistory" => query.shown.with_history.extend(list()),
                "associations" => query.associations.extend(list()),
                "archived" => query.archived = value == "true",
                "idProperty" => query.id_property = Some(value.into_owned()),
                "limit" => query.limit = Some(value.parse().ok().ok_or_else(|| number("limit", &value))?),
                "after" => query.after = Some(value.parse().ok().ok_or_else(|| number("after", &value))?),
                _ => {}
            }
        }
        Ok(query)
    }
}

/// A new object, or new values for one.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Write {
    pub(crate) properties: Map<String, Value>,
    #[serde(default)]
    pub(crate) associations: Vec<NewAssociation>,
}

/// An association that comes with a new object.
#[derive(Debug, Deserialize)]
pub(crate) struct NewAssociation {
    to: NewTarget,
    types: Vec<NewType>,
}

#[derive(Debug, Deserialize)]
struct NewTarget {
    id: Value,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct NewType {
    association_category: String,
    association_type_id: u32,
}

/// The ends that the associations name; each type id must start at this kind.
pub(crate) fn ends(kind: Kind, associations: &[NewAssociation]) -> Result<Vec<End>, ApiError> {
    let mut ends = Vec::new();
    for association in associations {
        let id = association.to.id.as_u64().or_else(|| association.to.id.as_str()?.parse().ok());
        let id =
            id.ok_or_else(|| ApiError::validation("One or more associations are not valid: to.id is no record id"))?;
        for tie in &association.types {
            let to = kind
                .association_target(tie.association_type_id)
                .filter(|_| tie.association_category == "HUBSPOT_DEFINED");
            let message = || {
                format!(
                    "Invalid association type {} {} from {}",
                    tie.association_category,
                    tie.association_type_id,
                    kind.plural()
                )
            };
            ends.push((to.ok_or_else(|| ApiError::validation(message()))?, id));
        }
    }
    Ok(ends)
}

/// The object that an id, or a unique property's value, names; archived ones by id only.
pub(crate) fn find(state: &State, kind: Kind, id: &str, property: Option<&str>) -> Result<Option<u64>, ApiError> {
    let table = state.table(kind);
    match property {
        None | Some("hs_object_id") => Ok(id.parse().ok().filter(|id| table.records.contains_key(id))),
        Some(name) if table.definitions.get(name).is_some_and(|definition| definition.unique) => {
            Ok(table.holder(name, id))
        }
        Some(name) => {
            Err(ApiError::validation(format!("idProperty {name} is not a unique property of {}", kind.plural())))
        }
    }
}

/// What a write answers with: the written properties as they are kept, and the dates.
pub(crate) fn written(state: &State, kind: Kind, id: u64, values: &Values) -> Value {
    let shown = Shown { properties: values.keys().cloned().collect(), with_history: Vec::new() };
    state.table(kind).records.get(&id).map_or(Value::Null, |record| record.show(&shown))
}

pub(crate) async fn create_object(
    caller: Caller,
    path: web::Path<ObjectPath>,
    body: web::Json<Write>,
) -> Result<HttpResponse, ApiError> {
    let (kind, body) = (path.kind()?, body.into_inner());
    let values = validation::read_values(body.properties)?;
    let ends = ends(kind, &body.associations)?;
    let shown = caller.write(By::Api, |changes| {
        let id = changes.create(kind, values.clone(), &ends)?;
        Ok(written(changes.state(), kind, id, &values))
    })?;
    Ok(HttpResponse::Created().json(shown))
}

pub(crate) async fn update_object(
    caller: Caller,
    request: HttpRequest,
    path: web::Path<ObjectPath>,
    body: web::Json<Write>,
) -> Result<HttpResponse, ApiError> {
    let (kind, query) = (path.kind()?, ReadQuery::parse(&request)?);
    let values = validation::read_values(body.into_inner().properties)?;
    let shown = caller.write(By::Api, |changes| {
        let found = find(changes.state(), kind, &path.id, query.id_property.as_deref())?;
        let id = found.ok_or_else(|| ApiError::not_found(&path.id))?;
        changes.update(kind, id, values.clone())?;
        Ok(written(changes.state(), kind, id, &values))
    })?;
    Ok(HttpResponse::Ok().json(shown))
}

pub(crate) async fn archive_object(caller: Caller, path: web::Path<ObjectPath>) -> Result<HttpResponse, ApiError> {
    let kind = path.kind()?;
    let id = path.id.parse().ok().ok_or_else(|| ApiError::not_found(&path.id))?;
    caller.write(By::Api, |changes| changes.archive(kind, id))?;
    Ok(HttpResponse::NoContent().finish())
}

pub(crate) async fn get_object(
    caller: Caller,
    request: HttpRequest,
    path: web::Path<ObjectPath>,
) -> Result<HttpResponse, ApiError> {
    let (kind, query) = (path.kind()?, ReadQuery::parse(&request)?);
    let shown = caller.read(|state| {
        let found = find(state, kind, &path.id, query.id_property.as_deref())?;
        let record = found.and_then(|id| state.table(kind).records.get(&id));
        let record = record.filter(|record| record.archived_at.is_some() == query.archived);
        show(state, record.ok_or_else(|| ApiError::not_found(&path.id))?, &query)
    })?;
    Ok(HttpResponse::Ok().json(shown))
}

pub(crate) async fn list_objects(
    caller: Caller,
    request: HttpRequest,
    path: web::Path<ObjectPath>,
) -> Result<HttpResponse, ApiError> {
    let (kind, query) = (path.kind()?, ReadQuery::parse(&request)?);
    let limit = query.limit.unwrap_or(10);
    let most = if query.shown.with_history.is_empty() { 100 } else { 50 };
    if limit == 0 || limit > most {
        return Err(ApiError::validation(format!("limit must be between 1 and {most}")));
    }
    let body = caller.read(|state| {
        let start = query.after.unwrap_or_default();
        let mut rows = state.table(kind).records.range(start..);
        let is_asked_for = |record: &&Record| record.archived_at.is_some() == query.archived;
        let page: Vec<Value> = rows
            .by_ref()
            .map(|(_, record)| record)
            .filter(is_asked_for)
            .take(limit)
            .map(|record| show(state, record, &query))
            .collect::<Result<_, _>>()?;
        let next = rows.map(|(_, record)| record).find(is_asked_for).map(|record| record.id);
        let mut body = json!({"results": page});
        if let (Some(next), Some(fields)) = (next, body.as_object_mut()) {
            let link = format!(
                "https://api.hubapi.com{}?limit={limit}&after={next}",
                request.path().trim_start_matches("/hubspot")
            );
            fields.insert("paging".into(), json!({"next": {"after": next.to_string(), "link": link}}));
        }
        Ok::<_, ApiError>(body)
    })?;
    Ok(HttpResponse::Ok().json(body))
}

fn show(state: &State, record: &Record, query: &ReadQuery) -> Result<Value, ApiError> {
    let mut body = record.show(&query.shown);
    let mut shown = Map::new();
    for name in &query.associations {
        let to = Kind::parse(name)?;
        let results: Vec<Value> = state
            .tied((record.kind, record.id), to)
            .map(|id| json!({"id": id.to_string(), "type": format!("{}_to_{}", record.kind.singular(), to.singular())}))
            .collect();
        if !results.is_empty() {
            shown.insert(to.plural().into(), json!({"results": results}));
        }
    }
    if let Some(fields) = body.as_object_mut().filter(|_| !shown.is_empty()) {
        fields.insert("associations".into(), Value::Object(shown));
    }
    Ok(body)
}
