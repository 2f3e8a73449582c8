//! What reads strangers' bytes and is private here, for `crates/fuzz`. It is there only when all is built for that.

use std::pin::pin;
use std::sync::LazyLock;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use actix_web::FromRequest as _;
use actix_web::http::header::{HeaderValue, IF_MATCH};
use actix_web::test::TestRequest;
use domain::redaction::Redaction;
use domain::workflow::Report;
use persistence::log_page::LogCursor;
use runtime::config::AuthSettings;

use crate::auth::Verifier;
use crate::version::IfMatch;
use crate::{body, events, oauth, page};

static VERIFIER: LazyLock<Option<Verifier>> = LazyLock::new(verifier);

/// Whether a body can be read as one event or many.
#[must_use]
pub fn events(bytes: &[u8]) -> bool {
    events::are_readable(bytes)
}

/// Whether a body can be read as what a workflow reports, or as a document with lists in it, and text as the query of either.
#[must_use]
pub fn body(bytes: &[u8]) -> bool {
    let query = str::from_utf8(bytes).is_ok_and(|text| body::parse_query::<Report>(text).is_ok());
    query || body::parse::<Report>(bytes).is_ok() || body::parse::<Redaction>(bytes).is_ok()
}

/// Whether a text names a place in a list, a version of what is configured, or a consent that was begun.
#[must_use]
pub fn header(text: &str) -> bool {
    let is_place = page::place::<LogCursor>(Some(text)).is_ok();
    let request = HeaderValue::from_str(text).map(|tag| TestRequest::default().insert_header((IF_MATCH, tag)));
    let is_version = request.is_ok_and(|with_tag| IfMatch::extract(&with_tag.to_http_request()).into_inner().is_ok());
    is_place || is_version || oauth::is_state(text)
}

/// Whether a token opens our doors.
#[must_use]
pub fn token(text: &str) -> bool {
    let Some(verifier) = VERIFIER.as_ref() else { return false };
    // By a shared key nobody else is asked, so that it is ready at once.
    let verdict = pin!(verifier.verify(text)).poll(&mut Context::from_waker(Waker::noop()));
    matches!(verdict, Poll::Ready(Ok(_)))
}

fn verifier() -> Option<Verifier> {
    let settings = AuthSettings {
        hs256_secret: Some("0123456789abcdef0123456789abcdef".into()),
        jwks_url: None,
        issuer: None,
        audience: None,
        session_life: Duration::from_secs(3600),
        secure_cookies: true,
    };
    Verifier::new(&settings).ok()
}
