//! Which path is answered by what. Dated and numbered paths lead to the same handlers.

use actix_web::{
    HttpRequest, HttpResponse, ResponseError,
    error::JsonPayloadError,
    http::StatusCode,
    middleware::from_fn,
    web::{self, ServiceConfig},
};
use serde_json::json;

use super::{
    ApiError, associations, batch,
    gate::{self, Caller},
    oauth, objects, properties, search, seed, subscriptions,
};

/// HubSpot takes larger bodies than any batch of a hundred needs; so does this.
const LARGEST_BODY: usize = 4 * 1_024 * 1_024;
const VERSIONS: &str = "{version:2026-03|2026-09|v3}";

/// Mounts everything HubSpot answers below the scope it is given.
pub(crate) fn configure(config: &mut ServiceConfig) {
    let json = web::JsonConfig::default().limit(LARGEST_BODY).content_type_required(false).error_handler(refuse_json);
    config
        .app_data(json)
        .app_data(web::PathConfig::default().error_handler(|_, _| ApiError::not_found("path").into()))
        .service(web::scope("/oauth").configure(oauth::configure))
        .service(web::scope("").wrap(from_fn(gate::pass)).configure(versioned).default_service(web::to(|| async {
            ApiError::new(StatusCode::NOT_FOUND, "OBJECT_NOT_FOUND", "resource not found").error_response()
        })));
}

fn versioned(config: &mut ServiceConfig) {
    // Dated: /crm/objects/2026-03/contacts; numbered: /crm/v3/objects/contacts. Associations were numbered v4.
    for base in ["/crm/objects/{version:2026-03|2026-09}", "/crm/{version:v3|v4}/objects"] {
        config.service(web::scope(base).configure(object_routes));
    }
    for base in ["/crm/associations/{version:2026-03|2026-09}", "/crm/{version:v4}/associations"] {
        config.service(
            web::scope(base)
                .route("/{from}/{to}/batch/associate/default", web::post().to(associations::associate_batch))
                .route("/{from}/{to}/batch/archive", web::post().to(associations::dissociate_batch))
                .route("/{from}/{to}/batch/create", web::post().to(associations::associate_batch))
                .route("/{from}/{to}/batch/read", web::post().to(associations::read_batch)),
        );
    }
    for base in ["/crm/properties/{version:2026-03|2026-09}", "/crm/{version:v3}/properties"] {
        config.service(
            web::scope(base)
                .route("/{kind}", web::get().to(properties::list_properties))
                .route("/{kind}", web::post().to(properties::create_property))
                .route("/{kind}/{name}", web::get().to(properties::get_property)),
        );
    }
    config
        .configure(subscriptions::configure)
        .route(&format!("/account-info/{VERSIONS}/details"), web::get().to(show_account))
        .route("/crm/pipelines/{version:2026-03|2026-09}/deals", web::get().to(list_pipelines))
        .route("/crm/v3/pipelines/deals", web::get().to(list_pipelines))
        .route("/crm/owners/{version:2026-03|2026-09}", web::get().to(list_owners))
        .route("/crm/v3/owners", web::get().to(list_owners))
        .route("/crm/v3/owners/", web::get().to(list_owners));
}

fn object_routes(config: &mut ServiceConfig) {
    config
        .route("/{kind}/search", web::post().to(search::search_objects))
        .route("/{kind}/batch/read", web::post().to(batch::read_batch))
        .route("/{kind}/batch/create", web::post().to(batch::create_batch))
        .route("/{kind}/batch/update", web::post().to(batch::update_batch))
        .route("/{kind}/batch/upsert", web::post().to(batch::upsert_batch))
        .route("/{kind}/batch/archive", web::post().to(batch::archive_batch))
        .route("/{kind}", web::get().to(objects::list_objects))
        .route("/{kind}", web::post().to(objects::create_object))
        .route("/{kind}/{id}", web::get().to(objects::get_object))
        .route("/{kind}/{id}", web::patch().to(objects::update_object))
        .route("/{kind}/{id}", web::delete().to(objects::archive_object))
        .route("/{kind}/{id}/associations/default/{to}/{to_id}", web::put().to(associations::associate))
        .route("/{kind}/{id}/associations/{to}/{to_id}", web::put().to(associations::associate_as))
        .route("/{kind}/{id}/associations/{to}/{to_id}", web::delete().to(associations::dissociate))
        .route("/{kind}/{id}/associations/{to}", web::get().to(associations::list_associations));
}

fn refuse_json(error: JsonPayloadError, _: &HttpRequest) -> actix_web::Error {
    if error.status_code() == StatusCode::PAYLOAD_TOO_LARGE {
        let message = "The request body is too large";
        return ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "VALIDATION_ERROR", message).into();
    }
    ApiError::validation(format!("Invalid input JSON: {error}")).into()
}

async fn show_account(caller: Caller) -> HttpResponse {
    HttpResponse::Ok().json(json!({
        "portalId": caller.portal,
        "accountType": "STANDARD",
        "timeZone": "Europe/Paris",
        "companyCurrency": "EUR",
        "additionalCurrencies": [],
        "utcOffset": "+01:00",
        "utcOffsetMilliseconds": 3_600_000,
        "uiDomain": "app-eu1.hubspot.com",
        "dataHostingLocation": "eu1",
    }))
}

async fn list_pipelines(_: Caller) -> HttpResponse {
    const SINCE: &str = "2024-01-01T00:00:00.000Z";
    let stages: Vec<_> = (0_u32..)
        .zip(seed::DEAL_STAGES)
        .map(|(order, (id, label, probability))| {
            let closed = id.starts_with("closed");
            json!({"id": id, "label": label, "displayOrder": order, "archived": false, "createdAt": SINCE, "updatedAt": SINCE,
                   "writePermissions": "CRM_PERMISSIONS_ENFORCEMENT",
                   "metadata": {"isClosed": closed.to_string(), "probability": probability}})
        })
        .collect();
    HttpResponse::Ok().json(json!({"results": [{
        "id": "default", "label": "Sales Pipeline", "displayOrder": 0, "archived": false,
        "createdAt": SINCE, "updatedAt": SINCE, "stages": stages,
    }]}))
}

async fn list_owners(_: Caller) -> HttpResponse {
    HttpResponse::Ok().json(json!({"results": []}))
}
