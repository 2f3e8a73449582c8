//! What one request is known by: its trace, its log line, its figures. Publishing the trace on is the handler's.

use std::cell::Cell;
use std::future::{Ready, ready};
use std::time::Instant;

use actix_web::body::MessageBody;
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, FromRequest, HttpMessage, HttpRequest};
use domain::trace::TraceParent;
use tracing::Instrument;

tokio::task_local! {
    static CURRENT: Cell<TraceParent>;
}

/// The trace that a request carried, or the one it began.
#[derive(Clone, Copy, Debug)]
pub struct Trace(pub TraceParent);

impl Trace {
    /// The trace of a request.
    #[must_use]
    pub fn of(request: &HttpRequest) -> TraceParent {
        let known = request.extensions().get::<Self>().copied();
        known.map_or_else(TraceParent::generate, |trace| trace.0)
    }
}

impl FromRequest for Trace {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self(Self::of(request))))
    }
}

/// The id by which the request under way can be found in the logs.
pub(super) fn request_id() -> String {
    CURRENT.try_with(Cell::get).unwrap_or_else(|_| TraceParent::generate()).trace_id()
}

/// Middleware: takes `traceparent` or begins one, answers with `x-request-id`, logs and counts the request.
pub(super) async fn follow<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let header = request.headers().get("traceparent").and_then(|value| value.to_str().ok());
    let received: Option<TraceParent> = header.and_then(|text| text.parse().ok());
    let span = tracing::info_span!(
        "request",
        otel.name = format!("{} {}", known(request.method()), request.match_pattern().unwrap_or_default()).trim(),
        otel.kind = "server",
        trace.id = tracing::field::Empty,
        http.status = tracing::field::Empty,
    );
    // Where spans are exported, what follows hangs below this one.
    let trace = match received {
        Some(trace) => trace.continued_in(&span),
        None => TraceParent::below(&span).unwrap_or_else(TraceParent::generate),
    };
    span.record("trace.id", trace.trace_id());
    request.extensions_mut().insert(Trace(trace));
    CURRENT.scope(Cell::new(trace), answer(request, next, trace).instrument(span)).await
}

async fn answer<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
    trace: TraceParent,
) -> Result<ServiceResponse<B>, Error> {
    let (started, method, path) = (Instant::now(), known(request.method()), request.path().to_owned());
    let mut response = next.call(request).await?;
    // The pattern, not the path: a label must not grow with what strangers type.
    let route = response.request().match_pattern().unwrap_or_else(|| "unmatched".to_owned());
    let (status, took) = (response.status().as_u16(), started.elapsed());
    tracing::Span::current().record("http.status", status);
    if let Ok(id) = HeaderValue::from_str(&trace.trace_id()) {
        response.headers_mut().insert(HeaderName::from_static("x-request-id"), id);
    }
    tracing::debug!(http.method = method, http.path = path, http.status = status, duration_ms = ?took, "answered");
    let labels = [("method", method.to_owned()), ("route", route), ("status", status.to_string())];
    metrics::counter!("http_requests_total", &labels).increment(1);
    metrics::histogram!("http_request_duration_seconds", &labels).record(took.as_secs_f64());
    Ok(response)
}
/// The method as a label, which must not grow with what strangers make up.
fn known(method: &Method) -> &'static str {
    let usual = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"];
    usual.into_iter().find(|usual| *usual == method.as_str()).unwrap_or("other")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_that_a_stranger_makes_up_is_no_label_of_its_own() {
        assert_eq!(known(&Method::PATCH), "PATCH");
        let made_up = Method::from_bytes("M".repeat(6_000).as_bytes()).unwrap();
        assert_eq!((known(&made_up), known(&Method::from_bytes(b"get").unwrap())), ("other", "other"));
    }
}
