//! The reference of the API: the document, and a page for reading it and trying it out that needs no internet.

use actix_web::http::header::{CONTENT_SECURITY_POLICY, LOCATION};
use actix_web::middleware::DefaultHeaders;
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpResponse, Responder};
use utoipa::openapi::OpenApi;
use utoipa_swagger_ui::{Config, SwaggerUi};

/// What the page may load: itself. Its library sets styles on what it has drawn and writes none into the page, so nothing
/// inline is needed; what it leaves out of Markdown are style attributes.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'";

/// `/openapi.json` and `/docs`, open to everybody: they tell nothing that is not public.
pub(crate) fn pages(routes: &mut ServiceConfig) {
    let page = SwaggerUi::new("/{_:.*}").config(Config::from("/openapi.json"));
    routes
        .route("/openapi.json", web::get().to(show_document))
        .route("/docs", web::get().to(lead_to_page))
        .service(web::scope("/docs").wrap(DefaultHeaders::new().add((CONTENT_SECURITY_POLICY, POLICY))).service(page));
}

async fn show_document(document: web::Data<OpenApi>) -> impl Responder {
    HttpResponse::Ok().json(document.as_ref())
}

/// The page's own files lie beside it.
async fn lead_to_page() -> impl Responder {
    HttpResponse::PermanentRedirect().insert_header((LOCATION, "/docs/")).finish()
}
