//! The reference of the API: the document, and a page for reading it and trying it out that needs no internet.

use actix_web::http::header::{CONTENT_SECURITY_POLICY, ContentType, LOCATION};
use actix_web::middleware::DefaultHeaders;
use actix_web::web::{self, Bytes, ServiceConfig};
use actix_web::{HttpResponse, Responder};
use utoipa::openapi::OpenApi;
use utoipa_swagger_ui::{Config, SwaggerUi};

/// What the page may load: itself. Its library sets styles on what it has drawn and writes none into the page, so nothing
/// inline is needed; what it leaves out of Markdown are style attributes.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The document as it is served: a tree of schemas takes megabytes, and time at each look.
#[derive(Debug)]
pub(crate) struct Document(Bytes);

impl Document {
    /// # Errors
    /// When it cannot be written down.
    pub(crate) fn of(document: &OpenApi) -> serde_json::Result<Self> {
        serde_json::to_vec(document).map(|json| Self(json.into()))
    }
}

/// `/openapi.json` and `/docs`, open to everybody: they tell nothing that is not public.
pub(crate) fn pages(routes: &mut ServiceConfig) {
    let page = SwaggerUi::new("/{_:.*}").config(Config::from("/openapi.json"));
    routes
        .route("/openapi.json", web::get().to(show_document))
        .route("/docs", web::get().to(lead_to_page))
        .service(web::scope("/docs").wrap(DefaultHeaders::new().add((CONTENT_SECURITY_POLICY, POLICY))).service(page));
}

async fn show_document(document: web::Data<Document>) -> impl Responder {
    HttpResponse::Ok().insert_header(ContentType::json()).body(document.0.clone())
}

/// The page's own files lie beside it.
async fn lead_to_page() -> impl Responder {
    HttpResponse::PermanentRedirect().insert_header((LOCATION, "/docs/")).finish()
}
