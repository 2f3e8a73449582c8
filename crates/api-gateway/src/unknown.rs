//! What is not routed: a path that knows other methods says which (RFC 9110, section 15.5.6); all else is not found.

use actix_web::dev::ResourceDef;
use actix_web::http::header::ALLOW;
use actix_web::{HttpRequest, HttpResponse, ResponseError as _, web};
use runtime::http::Problem;
use utoipa::openapi::{OpenApi, PathItem};

/// The paths of the API, and the methods that each knows.
#[derive(Debug)]
pub(crate) struct Known(Vec<(ResourceDef, String)>);

impl Known {
    /// Those of a document.
    pub(crate) fn of(document: &OpenApi) -> Self {
        let paths = document.paths.paths.iter();
        Self(paths.map(|(path, item)| (ResourceDef::new(path.as_str()), methods(item))).collect())
    }
}

fn methods(item: &PathItem) -> String {
    let all = [
        ("GET", &item.get),
        ("POST", &item.post),
        ("PUT", &item.put),
        ("PATCH", &item.patch),
        ("DELETE", &item.delete),
    ];
    let there: Vec<&str> = all.into_iter().filter(|(_, operation)| operation.is_some()).map(|(name, _)| name).collect();
    there.join(", ")
}

/// Refuses a request that no handler takes.
pub(crate) async fn refuse(request: HttpRequest, known: web::Data<Known>) -> HttpResponse {
    let found = known.0.iter().find(|(path, _)| path.is_match(request.path()));
    match found {
        Some((_, methods)) => {
            let mut response = Problem::method_not_allowed().error_response();
            if let Ok(methods) = methods.parse() {
                response.headers_mut().insert(ALLOW, methods);
            }
            response
        }
        None => Problem::not_found().error_response(),
    }
}
