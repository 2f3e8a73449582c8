//! What reads strangers' bytes and is private here, for `crates/fuzz`. It is there only when all is built for that.

use std::pin::pin;
use std::sync::LazyLock;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use actix_web::FromRequest as _;
use actix_web::http::header::{COOKIE, HeaderValue, IF_MATCH, REFERER};
use actix_web::test::TestRequest;
use domain::redaction::Redaction;
use domain::time::Timestamp;
use domain::workflow::Report;
use persistence::log_page::LogCursor;
use runtime::config::AuthSettings;
use runtime::http::Peer;

use crate::auth::Verifier;
use crate::version::IfMatch;
use crate::{auth, body, events, oauth, page, pages, workflows};

static VERIFIER: LazyLock<Option<Verifier>> = LazyLock::new(verifier);

/// Whether a body can be read as one event or many.
#[must_use]
pub fn events(bytes: &[u8]) -> bool {
    events::are_readable(bytes)
}

/// Whether a body can be read as what a workflow reports, as a document with lists in it, as the keys of an issuer, as the rows of a
/// mapping's form, or as a query with flags and texts in it.
#[must_use]
pub fn body(bytes: &[u8]) -> bool {
    let is_query = str::from_utf8(bytes).is_ok_and(|text| body::parse_query::<Report>(text).is_ok());
    let is_set = serde_json::from_slice::<serde_json::Value>(bytes).is_ok_and(|document| auth::are_keys(&document));
    let (is_report, is_document) = (workflows::is_report(bytes), body::parse::<Redaction>(bytes).is_ok());
    is_query || is_set || is_report || is_document || pages::are_rows(bytes)
}

/// Whether a text names a place in a list, a version of what is configured, a consent that was begun, a language, or a caller behind
/// proxies.
#[must_use]
pub fn header(text: &str) -> bool {
    let is_place = page::place::<LogCursor>(Some(text)).is_ok();
    let request = HeaderValue::from_str(text).map(|tag| TestRequest::default().insert_header((IF_MATCH, tag)));
    let is_version = request.is_ok_and(|with_tag| IfMatch::extract(&with_tag.to_http_request()).into_inner().is_ok());
    let is_forwarded = Peer::behind_proxies(text).is_some();
    is_place || is_version || is_forwarded || pages::is_language(text) || oauth::is_state(text)
}

/// What the pages make of a text.
#[derive(Debug)]
pub struct Seen {
    /// Where they lead back to, as the browser says where it was and as a field does.
    pub ways_back: [String; 2],
    /// The moments that a field for date and time holds, by several clocks, each beside how it is told.
    pub moments: Vec<(Timestamp, String)>,
}

/// What the pages make of a text that is in a field, in the cookies, or where the browser says that it was.
#[must_use]
pub fn seen(text: &str) -> Seen {
    let request = HeaderValue::from_str(text)
        .map(|said| TestRequest::default().insert_header((REFERER, said.clone())).insert_header((COOKIE, said)));
    let request = request.unwrap_or_default().to_http_request();
    Seen { ways_back: pages::ways_back(&request, text), moments: pages::moments(&request, text) }
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
