//! Customers, products and orders, one at a time and as listings.

use std::collections::HashMap;

use actix_web::{
    HttpRequest, HttpResponse, ResponseError,
    web::{Path, Query},
};
use serde_json::{Map, Value, json};

use super::{
    batch::{self, Body},
    errors::WooError,
    gate::Caller,
    ledger, query,
    resource::Resource,
};
use crate::journal::By;

type Given = Query<HashMap<String, String>>;

/// The fields of the objects, without which a client could not know what may be mapped.
const SCHEMAS: &str = include_str!("schemas.json");

/// The resource that a path names, and the id in it.
#[derive(Debug, serde::Deserialize)]
pub(crate) struct Named {
    resource: String,
    #[serde(default)]
    id: String,
}

impl Named {
    pub(crate) fn resource(&self) -> Result<Resource, WooError> {
        Resource::parse(&self.resource)
    }

    fn id(&self) -> Result<u64, WooError> {
        self.id.parse().ok().ok_or_else(WooError::no_route)
    }
}

pub(crate) async fn list_objects(
    shop: Caller,
    path: Path<Named>,
    request: HttpRequest,
    given: Given,
) -> Result<HttpResponse, WooError> {
    let resource = path.resource()?;
    let query = query::Query::read(resource, given.into_inner())?;
    let (total, shown) = shop.read(|state| {
        let found = query.find(resource, state.store.all(resource.kind()));
        let shown: Vec<Value> = found.objects.into_iter().map(|object| query.trim(resource.show(object))).collect();
        (found.total, shown)
    });
    let pages = total.div_ceil(query.per_page);
    // A page past the end knows nothing of the others.
    let (total, pages) = if shown.is_empty() { (0, 0) } else { (total, pages) };
    let link =
        |page: usize, rel: &str| format!("<http://shop{}?{}>; rel=\"{rel}\"", request.path(), query.at_page(page));
    let previous = (query.page > 1).then(|| link(query.page.saturating_sub(1), "prev"));
    let next = (query.page < pages).then(|| link(query.page.saturating_add(1), "next"));
    let links: Vec<String> = previous.into_iter().chain(next).collect();
    // A listing of one page leads to the API's index only.
    let links = if links.is_empty() {
        "<http://shop/wp-json/>; rel=\"https://api.w.org/\"".to_owned()
    } else {
        links.join(", ")
    };
    let mut response = HttpResponse::Ok();
    response.insert_header(("x-wp-total", total.to_string()));
    response.insert_header(("x-wp-totalpages", pages.to_string()));
    response.insert_header(("link", links));
    Ok(response.json(shown))
}

pub(crate) async fn get_object(shop: Caller, path: Path<Named>, given: Given) -> Result<HttpResponse, WooError> {
    let (resource, id) = (path.resource()?, path.id()?);
    let query = query::Query::read(resource, given.into_inner())?;
    let shown = shop.read(|state| state.store.get(resource.kind(), id).map(|object| resource.show(object)));
    Ok(HttpResponse::Ok().json(query.trim(shown.ok_or_else(|| resource.unknown_id(404))?)))
}

/// An object as it is now.
pub(crate) fn shown(shop: &Caller, resource: Resource, id: u64) -> Value {
    Value::Object(
        shop.read(|state| state.store.get(resource.kind(), id).map(|object| resource.show(object)).unwrap_or_default()),
    )
}

pub(crate) async fn create_object(shop: Caller, path: Path<Named>, body: Body) -> Result<HttpResponse, WooError> {
    let resource = path.resource()?;
    let id = shop.write(By::Api, |changes| ledger::create(changes, resource, body.0))?;
    let place = format!("http://shop/wp-json/wc/v3/{}/{id}", resource.kind());
    Ok(HttpResponse::Created().insert_header(("location", place)).json(shown(&shop, resource, id)))
}

pub(crate) async fn update_object(shop: Caller, path: Path<Named>, body: Body) -> Result<HttpResponse, WooError> {
    let (resource, id) = (path.resource()?, path.id()?);
    shop.write(By::Api, |changes| ledger::update(changes, resource, id, body.0))?;
    Ok(HttpResponse::Ok().json(shown(&shop, resource, id)))
}

pub(crate) async fn delete_object(shop: Caller, path: Path<Named>, given: Given) -> Result<HttpResponse, WooError> {
    let (resource, id) = (path.resource()?, path.id()?);
    let is_forced = given.get("force").is_some_and(|value| ["true", "1"].contains(&value.as_str()));
    // What is answered is what it was.
    let before = shown(&shop, resource, id);
    shop.write(By::Api, |changes| ledger::remove(changes, resource, id, is_forced))?;
    Ok(HttpResponse::Ok().json(before))
}

/// Whoever manages a shop, and nothing else of the site, may write customers one by one only.
pub(crate) async fn write_batch(shop: Caller, path: Path<Named>, body: Body) -> Result<HttpResponse, WooError> {
    let resource = path.resource()?;
    if resource == Resource::Customers && shop.read(|state| state.faults.is_on("shop_manager")) {
        return Err(WooError::no_batch());
    }
    batch::write(&shop, resource, &body.0)
}

/// What the fields are, for whoever asks by `OPTIONS`.
pub(crate) async fn describe_objects(_: Caller, path: Path<Named>) -> Result<HttpResponse, WooError> {
    let resource = path.resource()?;
    let all: Map<String, Value> = serde_json::from_str(SCHEMAS).unwrap_or_default();
    let schema = all.get(resource.kind());
    Ok(HttpResponse::Ok()
        .json(json!({"namespace": "wc/v3", "methods": ["GET", "POST"], "endpoints": [], "schema": schema})))
}

/// Who is not logged in is shown nothing, where a plugin closes the interface.
pub(crate) async fn show_index(shop: Caller) -> Result<HttpResponse, WooError> {
    if shop.read(|state| state.faults.is_on("rest_closed")) {
        return Err(WooError::closed());
    }
    let link = "<http://shop/wp-json/>; rel=\"https://api.w.org/\"";
    Ok(HttpResponse::Ok().insert_header(("link", link)).json(json!({
        "name": "Boutique de démonstration", "namespaces": ["oembed/1.0", "wc/v3", "wc/v1", "wc/v2", "wp/v2"],
    })))
}

pub(crate) async fn show_home() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header(("link", "<http://shop/wp-json/>; rel=\"https://api.w.org/\""))
        .body("<html><head><title>Boutique de démonstration</title></head><body>Bienvenue.</body></html>")
}

pub(crate) async fn show_currency(_: Caller) -> HttpResponse {
    HttpResponse::Ok().json(json!({"code": "EUR", "name": "Euro", "symbol": "&euro;"}))
}

pub(crate) async fn refuse_path() -> HttpResponse {
    WooError::no_route().error_response()
}
