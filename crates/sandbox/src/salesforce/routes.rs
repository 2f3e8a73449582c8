//! Which path is answered by what.

use actix_web::{
    HttpRequest, HttpResponse, ResponseError,
    error::JsonPayloadError,
    middleware::from_fn,
    web::{self, ServiceConfig},
};
use serde_json::json;

use super::{
    collections, describe,
    errors::ApiError,
    gate::{self, Caller},
    oauth,
    org::DAILY,
    query, setup, sobjects,
};

/// A collection of two hundred rows needs no more.
const LARGEST_BODY: usize = 6 * 1_024 * 1_024;

/// Mounts everything that Salesforce answers below the scope it is given.
pub(crate) fn configure(config: &mut ServiceConfig) {
    let json = web::JsonConfig::default().limit(LARGEST_BODY).content_type_required(false).error_handler(refuse_json);
    config
        .app_data(json)
        .app_data(web::QueryConfig::default().error_handler(|error, _| ApiError::query(error.to_string()).into()))
        .app_data(web::PathConfig::default().error_handler(|_, _| ApiError::not_found().into()))
        .service(web::scope("/services/oauth2").configure(oauth::configure))
        .service(
            web::scope("/{org}/services")
                .wrap(from_fn(gate::pass))
                .route("/oauth2/userinfo", web::get().to(oauth::show_user))
                .service(web::scope("/data/v68.0").configure(data))
                .default_service(web::to(nothing)),
        );
}

fn data(config: &mut ServiceConfig) {
    config
        // Nothing is ever archived here, and what was deleted is shown by neither.
        .route("/queryAll", web::get().to(query::run))
        .route("/limits", web::get().to(show_limits))
        .route("/query", web::get().to(query::run))
        .route("/query/{locator}", web::get().to(query::go_on))
        .route("/tooling/query", web::get().to(query::run_setup))
        .route("/tooling/sobjects/{kind}", web::post().to(setup::create))
        .route("/tooling/sobjects/FlowDefinition/{id}", web::patch().to(setup::switch))
        .route("/tooling/sobjects/{kind}/{id}", web::get().to(setup::get))
        .route("/tooling/sobjects/{kind}/{id}", web::delete().to(setup::remove))
        .route("/composite/sobjects", web::post().to(collections::create))
        .route("/composite/sobjects", web::patch().to(collections::update))
        .route("/composite/sobjects", web::delete().to(collections::remove))
        .route("/composite/sobjects/{kind}/{field}", web::patch().to(collections::upsert))
        .route("/sobjects/{kind}", web::post().to(sobjects::create))
        .route("/sobjects/{kind}/describe", web::get().to(describe::show))
        .route("/sobjects/{kind}/deleted/", web::get().to(sobjects::list_deleted))
        .route("/sobjects/{kind}/{id}", web::get().to(sobjects::get))
        .route("/sobjects/{kind}/{id}", web::patch().to(sobjects::update))
        .route("/sobjects/{kind}/{id}", web::delete().to(sobjects::remove))
        .route("/sobjects/{kind}/{field}/{value}", web::patch().to(sobjects::upsert));
}

async fn show_limits(caller: Caller) -> HttpResponse {
    let (most, used) = caller.read(|state| (state.faults.limit(DAILY).unwrap_or(u32::MAX), state.own.requests));
    HttpResponse::Ok().json(json!({"DailyApiRequests": {"Max": most, "Remaining": most.saturating_sub(used)}}))
}

async fn nothing() -> HttpResponse {
    ApiError::not_found().error_response()
}

fn refuse_json(error: JsonPayloadError, _: &HttpRequest) -> actix_web::Error {
    ApiError::malformed(error.to_string()).into()
}
