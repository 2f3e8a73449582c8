//! Every route of the gateway, in one table. Who may call one is said in its handler's signature.

use actix_web::web::{self, ServiceConfig, get, post};
use actix_web::{Resource, ResponseError as _};
use runtime::http::Problem;

use crate::{events, integrations as i, records};

/// The API, version 1.
pub(crate) fn api(routes: &mut ServiceConfig) {
    routes.service(
        web::scope("/api/v1")
            .service(at("/events").route(post().to(events::accept_events)))
            .service(at("/integrations").route(get().to(i::list_catalogue)).route(post().to(i::create_integration)))
            .service(at("/integrations/configured").route(get().to(i::list_configured)))
            .service(at("/integrations/{id}").route(get().to(i::show_integration)))
            .service(at("/integrations/{id}/enable").route(post().to(i::enable_integration)))
            .service(at("/integrations/{id}/disable").route(post().to(i::disable_integration)))
            .service(at("/integrations/{id}/test").route(post().to(i::test_integration)))
            .service(at("/integrations/{id}/logs").route(get().to(i::list_logs)))
            .service(at("/integrations/{id}/failures").route(get().to(i::list_failures)))
            .service(at("/integrations/{id}/failures/replay").route(post().to(i::replay_failures)))
            .service(at("/records").route(get().to(records::list_records)))
            .service(at("/records/{id}").route(get().to(records::show_record))),
    );
}

/// A path; a method that it does not know is told as a problem.
fn at(path: &str) -> Resource {
    web::resource(path).default_service(web::to(|| async { Problem::method_not_allowed().error_response() }))
}
