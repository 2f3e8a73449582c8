//! Which path is answered by what.

use actix_web::{
    HttpRequest, HttpResponse, ResponseError,
    error::JsonPayloadError,
    middleware::from_fn,
    web::{self, ServiceConfig},
};
use serde_json::json;

use super::{
    errors::ApiError,
    fields,
    gate::{self, Caller},
    hooks, oauth, objects, recents, search,
};

/// Mounts everything that Pipedrive answers below the scope it is given.
pub(crate) fn configure(config: &mut ServiceConfig) {
    let json = web::JsonConfig::default().content_type_required(false).error_handler(refuse_json);
    config
        .app_data(json)
        .app_data(
            web::QueryConfig::default().error_handler(|error, _| ApiError::invalid("query", &error.to_string()).into()),
        )
        .app_data(web::PathConfig::default().error_handler(|_, _| ApiError::not_found("path").into()))
        .service(web::scope("/oauth").configure(oauth::configure))
        .service(web::scope("/api/v1").wrap(from_fn(gate::pass)).configure(first).default_service(web::to(nothing)))
        .service(web::scope("/api/v2").wrap(from_fn(gate::pass)).configure(second).default_service(web::to(nothing)));
}

/// What the second version does not have.
fn first(config: &mut ServiceConfig) {
    config
        .route("/users/me", web::get().to(show_me))
        .route("/recents", web::get().to(recents::list))
        .route("/webhooks", web::get().to(hooks::list))
        .route("/webhooks", web::post().to(hooks::create))
        .route("/webhooks/{id}", web::delete().to(hooks::remove));
}

fn second(config: &mut ServiceConfig) {
    config
        .route("/{fields:[a-z]+Fields}", web::get().to(fields::list))
        .route("/{fields:[a-z]+Fields}", web::post().to(fields::create))
        .route("/{kind}/search", web::get().to(search::search))
        .route("/{kind}", web::get().to(objects::list))
        .route("/{kind}", web::post().to(objects::create))
        .route("/{kind}/{id}", web::get().to(objects::get))
        .route("/{kind}/{id}", web::patch().to(objects::update))
        .route("/{kind}/{id}", web::delete().to(objects::remove));
}

async fn show_me(caller: Caller) -> HttpResponse {
    let id = &caller.id;
    HttpResponse::Ok().json(json!({"success": true, "data": {
        "id": 1, "name": "Camille Rousseau", "email": "admin@exemple.fr", "default_currency": "EUR", "locale": "fr_FR",
        "timezone_name": "Europe/Paris", "company_id": id.parse::<u64>().unwrap_or_default(),
        "company_name": format!("Entreprise {id}"), "company_domain": format!("entreprise-{id}"),
    }}))
}

async fn nothing() -> HttpResponse {
    ApiError::not_found("path").error_response()
}

fn refuse_json(error: JsonPayloadError, _: &HttpRequest) -> actix_web::Error {
    ApiError::invalid("body", &error.to_string()).into()
}
