//! What every answer tells a browser not to do. A handler that knows better sets the header itself, and that stands.

use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use actix_web::middleware::DefaultHeaders;

/// Two years, in seconds: what the browsers' preload lists ask for at least is one.
const TRANSPORT_SECURITY: &str = "max-age=63072000; includeSubDomains";

/// The headers, and `Strict-Transport-Security` where callers come `by_tls`.
pub(super) fn protective(by_tls: bool) -> DefaultHeaders {
    let headers = DefaultHeaders::new()
        .add((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .add((X_FRAME_OPTIONS, "DENY"))
        .add((REFERRER_POLICY, "no-referrer"))
        .add((CACHE_CONTROL, "no-store"))
        .add((CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"))
        .add(("Cross-Origin-Resource-Policy", "same-origin"));
    if by_tls { headers.add((STRICT_TRANSPORT_SECURITY, TRANSPORT_SECURITY)) } else { headers }
}
