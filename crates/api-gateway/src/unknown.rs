//! What is not routed: a path that knows other methods says which (RFC 9110, section 15.5.6); all else is not found.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ResourceDef, ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::ALLOW;
use actix_web::middleware::Next;
use actix_web::{Error, HttpRequest, HttpResponse, ResponseError as _, web};
use runtime::http::Problem;
use utoipa::openapi::{OpenApi, PathItem};

/// The paths of the API, and the methods that each knows.
#[derive(Debug)]
pub(crate) struct Known {
    all: Vec<Path>,
    /// Those that a path with a parameter in place of a word would match too.
    narrower: Vec<Path>,
}

#[derive(Clone, Debug)]
struct Path {
    matches: ResourceDef,
    methods: Vec<&'static str>,
}

impl Known {
    /// Those of a document.
    pub(crate) fn of(document: &OpenApi) -> Self {
        let all: Vec<Path> = document.paths.paths.iter().map(|(path, item)| Path::new(path, item)).collect();
        let narrower = all.iter().filter(|path| all.iter().any(|other| other.is_wider_than(path))).cloned().collect();
        Self { all, narrower }
    }

    /// Whether a handler takes this.
    pub(crate) fn takes(&self, request: &HttpRequest) -> bool {
        let is_meant = |path: &&Path| path.matches.is_match(request.path());
        match self.narrower.iter().find(is_meant) {
            Some(path) => path.knows(request.method()),
            None => self.all.iter().filter(is_meant).any(|path| path.knows(request.method())),
        }
    }
}

impl Path {
    fn new(path: &str, item: &PathItem) -> Self {
        let all = [
            ("GET", &item.get),
            ("POST", &item.post),
            ("PUT", &item.put),
            ("PATCH", &item.patch),
            ("DELETE", &item.delete),
        ];
        let methods = all.into_iter().filter(|(_, operation)| operation.is_some()).map(|(name, _)| name);
        Self { matches: ResourceDef::new(path), methods: methods.collect() }
    }

    /// Whether this matches the other's own words, and is not the same path.
    fn is_wider_than(&self, other: &Self) -> bool {
        let (own, others) = (self.matches.pattern(), other.matches.pattern());
        own != others && others.is_some_and(|pattern| self.matches.is_match(pattern))
    }

    fn knows(&self, method: &Method) -> bool {
        self.methods.contains(&method.as_str())
    }

    fn refuse(&self) -> HttpResponse {
        let mut response = Problem::method_not_allowed().error_response();
        if let Ok(methods) = self.methods.join(", ").parse() {
            response.headers_mut().insert(ALLOW, methods);
        }
        response
    }
}

/// Refuses a request that no handler takes.
pub(crate) async fn refuse(request: HttpRequest, known: web::Data<Known>) -> HttpResponse {
    let found = known.all.iter().find(|path| path.matches.is_match(request.path()));
    found.map_or_else(|| Problem::not_found().error_response(), Path::refuse)
}

/// Middleware: `…/configured` is no id, so the methods of `…/{id}` are none of its own.
pub(crate) async fn narrow<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let refused = request.app_data::<web::Data<Known>>().and_then(|known| {
        let path = known.narrower.iter().find(|path| path.matches.is_match(request.path()))?;
        (!path.knows(request.method())).then(|| path.refuse())
    });
    match refused {
        Some(refusal) => Ok(request.into_response(refusal)),
        None => next.call(request).await.map(ServiceResponse::map_into_boxed_body),
    }
}
