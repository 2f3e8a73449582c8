//! Which path is answered by what.

use actix_web::{
    HttpRequest, HttpResponse, ResponseError,
    error::JsonPayloadError,
    middleware::from_fn,
    web::{self, ServiceConfig},
};

use super::{errors::ApiError, export, fields, gate, hooks, oauth, search, tickets, users};

/// Mounts everything that Zendesk answers below the scope it is given.
pub(crate) fn configure(config: &mut ServiceConfig) {
    let json = web::JsonConfig::default().content_type_required(false).error_handler(refuse_json);
    config
        .app_data(json)
        .app_data(web::QueryConfig::default().error_handler(|error, _| ApiError::malformed(&error.to_string()).into()))
        .app_data(web::PathConfig::default().error_handler(|_, _| ApiError::not_found().into()))
        .configure(oauth::configure)
        .service(
            web::scope("/{site}/api/v2").wrap(from_fn(gate::pass)).configure(second).default_service(web::to(nothing)),
        );
}

fn second(config: &mut ServiceConfig) {
    config
        .route("/users/me", web::get().to(users::me))
        .route("/users/search", web::get().to(search::users))
        .route("/users/show_many", web::get().to(users::show_many))
        .route("/users/create_or_update", web::post().to(users::create_or_update))
        .route("/users", web::get().to(users::list))
        .route("/users", web::post().to(users::create))
        .route("/users/{id}", web::get().to(users::get))
        .route("/users/{id}", web::put().to(users::update))
        .route("/users/{id}", web::delete().to(users::remove))
        .route("/users/{id}/identities", web::get().to(users::identities))
        .route("/users/{id}/identities/{identity}", web::delete().to(users::remove_identity))
        .route("/users/{id}/identities/{identity}/make_primary", web::put().to(users::make_primary))
        .route("/users/{id}/tickets/requested", web::get().to(tickets::requested))
        .route("/tickets", web::get().to(tickets::list))
        .route("/tickets", web::post().to(tickets::create))
        .route("/tickets/show_many", web::get().to(tickets::show_many))
        .route("/tickets/{id}", web::get().to(tickets::get))
        .route("/tickets/{id}", web::put().to(tickets::update))
        .route("/tickets/{id}", web::delete().to(tickets::remove))
        .route("/tickets/{id}/comments", web::get().to(tickets::comments))
        .route("/search", web::get().to(search::everything))
        .route("/incremental/{kind}/cursor", web::get().to(export::list))
        .route("/deleted_{kind}", web::get().to(export::deleted))
        .route("/user_fields", web::get().to(fields::of_users))
        .route("/ticket_fields", web::get().to(fields::of_tickets))
        .route("/oauth/tokens/current", web::delete().to(oauth::revoke))
        .route("/webhooks", web::get().to(hooks::list))
        .route("/webhooks", web::post().to(hooks::create))
        .route("/webhooks/{id}", web::delete().to(hooks::remove))
        .route("/webhooks/{id}/signing_secret", web::get().to(hooks::secret));
}

async fn nothing() -> HttpResponse {
    ApiError::not_found().error_response()
}

fn refuse_json(error: JsonPayloadError, _: &HttpRequest) -> actix_web::Error {
    ApiError::malformed(&error.to_string()).into()
}
