//! Errors as callers see them: RFC 9457 bodies. The only place where a class of failure becomes a status.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::{HttpResponse, ResponseError};
use domain::fault::{Fault, FaultKind};
use serde::Serialize;
use utoipa::ToSchema;

use super::trace::request_id;

/// What a caller is told to wait when a part is away and nothing better is known.
const DEFAULT_RETRY_AFTER: Duration = Duration::from_secs(5);

/// One fault in a request body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// Where.
    #[schema(example = "events[3].data.email")]
    pub path: String,
    /// What is wrong there, as a sentence without a subject.
    #[schema(example = "must be an e-mail address")]
    pub message: String,
}

/// An error response. The cause behind it goes to the log, never into the body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: String,
    errors: Vec<FieldError>,
    retry_after: Option<Duration>,
    conflicts_with: Option<String>,
}

/// A problem document (RFC 9457): what every answer that is not a success holds.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemBody {
    /// A name of the code that is unique everywhere.
    #[schema(example = "urn:coccinelle:problem:not_found")]
    r#type: String,
    /// The status in words.
    #[schema(example = "Not Found")]
    title: &'static str,
    /// The status.
    #[schema(example = 404)]
    status: u16,
    /// What is wrong, as a stable word to branch on.
    #[schema(example = "not_found")]
    code: &'static str,
    /// What is wrong, as a sentence for people.
    #[schema(example = "There is nothing here.")]
    detail: String,
    /// Finds the request in our logs; also the header `x-request-id`.
    #[schema(example = "0192f1c8a3b47d5e9f60718293a4b5c6")]
    request_id: String,
    /// What is wrong in the request, place by place.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError>,
    /// The path of what stands in the way.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "/api/v1/integrations/int_01jd3v8k2qf5y9m4x7w6z1a0bc")]
    conflicts_with: Option<String>,
}

impl Problem {
    /// A problem of this class, with a stable code that callers may branch on and a sentence for them.
    #[must_use]
    pub fn new(kind: FaultKind, code: &'static str, detail: impl Into<String>) -> Self {
        let retry_after = (kind == FaultKind::Unavailable).then_some(DEFAULT_RETRY_AFTER);
        let (detail, errors) = (detail.into(), Vec::new());
        Self { status: status_of(kind), code, detail, errors, retry_after, conflicts_with: None }
    }

    /// 400: the body is not even of the form that was announced.
    #[must_use]
    pub fn malformed(detail: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, ..Self::new(FaultKind::Invalid, "malformed", detail) }
    }

    /// 400: the request is not of the form that it must have, for another reason than its body.
    #[must_use]
    pub fn bad_request(code: &'static str, detail: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, ..Self::new(FaultKind::Invalid, code, detail) }
    }

    /// 500: a mistake of ours, logged by whoever found it.
    #[must_use]
    pub fn internal() -> Self {
        Self::new(FaultKind::Internal, FaultKind::Internal.code(), "Something went wrong on our side.")
    }

    /// 413: the body is larger than `limit` bytes.
    #[must_use]
    pub fn too_large(limit: usize) -> Self {
        let detail = format!("The body is larger than {limit} bytes.");
        Self { status: StatusCode::PAYLOAD_TOO_LARGE, ..Self::new(FaultKind::Invalid, "too_large", detail) }
    }

    /// 414: path and query are longer than `limit` bytes.
    #[must_use]
    pub fn url_too_long(limit: usize) -> Self {
        let detail = format!("The path with its query is longer than {limit} bytes.");
        Self { status: StatusCode::URI_TOO_LONG, ..Self::new(FaultKind::Invalid, "url_too_long", detail) }
    }

    /// 405: the path is known, but not with this method.
    #[must_use]
    pub fn method_not_allowed() -> Self {
        let detail = "This path does not know that method.";
        Self { status: StatusCode::METHOD_NOT_ALLOWED, ..Self::new(FaultKind::Invalid, "method_not_allowed", detail) }
    }

    /// 428: what is there must be named before it is replaced (RFC 6585, section 3).
    #[must_use]
    pub fn precondition_required() -> Self {
        let detail = "Say in `If-Match` which version you have seen: the `ETag` of your last answer.";
        let status = StatusCode::PRECONDITION_REQUIRED;
        Self { status, ..Self::new(FaultKind::Conflict, "precondition_required", detail) }
    }

    /// 412: it has been changed since the caller saw it (RFC 9110, section 15.5.13).
    #[must_use]
    pub fn version_mismatch() -> Self {
        let detail = "It was changed since you saw it: read it again, and decide again.";
        let status = StatusCode::PRECONDITION_FAILED;
        Self { status, ..Self::new(FaultKind::Conflict, "version_mismatch", detail) }
    }

    /// 404: there is nothing here, or not for this caller.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(FaultKind::NotFound, "not_found", "There is nothing here.")
    }

    /// Adds what is wrong, place by place.
    #[must_use]
    pub fn with_errors(mut self, errors: Vec<FieldError>) -> Self {
        self.errors = errors;
        self
    }

    /// Says when to come again.
    #[must_use]
    pub fn with_retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// Says by its path what stands in the way.
    #[must_use]
    pub fn with_conflict(mut self, path: String) -> Self {
        self.conflicts_with = Some(path);
        self
    }

    /// The path of what stands in the way, where that is known.
    #[must_use]
    pub fn conflicts_with(&self) -> Option<&str> {
        self.conflicts_with.as_deref()
    }

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// What is wrong, as a sentence.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// What is wrong, place by place.
    #[must_use]
    pub fn errors(&self) -> &[FieldError] {
        &self.errors
    }

    /// When to come again, where that is known.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}", self.status.as_u16(), self.code, self.detail)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status);
        response.insert_header((CONTENT_TYPE, "application/problem+json"));
        if self.status == StatusCode::UNAUTHORIZED {
            response.insert_header((WWW_AUTHENTICATE, "Bearer"));
        }
        if let Some(wait) = self.retry_after {
            response.insert_header((RETRY_AFTER, wait.as_secs().max(1)));
        }
        response.json(ProblemBody {
            r#type: format!("urn:coccinelle:problem:{}", self.code),
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            code: self.code,
            detail: self.detail.clone(),
            request_id: request_id(),
            errors: self.errors.clone(),
            conflicts_with: self.conflicts_with.clone(),
        })
    }
}

impl<E: Fault> From<E> for Problem {
    /// Errors that are not the caller's are logged here, with their causes, and told in general words.
    fn from(error: E) -> Self {
        let kind = error.kind();
        let detail = match kind {
            FaultKind::Internal => "Something went wrong on our side.".to_owned(),
            FaultKind::Unavailable => "A part of the system that is needed does not answer now.".to_owned(),
            FaultKind::Invalid
            | FaultKind::Unauthorized
            | FaultKind::Forbidden
            | FaultKind::NotFound
            | FaultKind::Conflict
            | FaultKind::RateLimited => error.to_string(),
        };
        if matches!(kind, FaultKind::Internal | FaultKind::Unavailable) {
            tracing::error!(error.code = error.code(), error.cause = causes(&error), "a request failed");
        }
        let problem = Self::new(kind, error.code(), detail);
        Self { retry_after: error.retry_after().or(problem.retry_after), ..problem }
    }
}

/// An error and what lies behind it, on one line.
fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}

fn status_of(kind: FaultKind) -> StatusCode {
    match kind {
        FaultKind::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
        FaultKind::Unauthorized => StatusCode::UNAUTHORIZED,
        FaultKind::Forbidden => StatusCode::FORBIDDEN,
        FaultKind::NotFound => StatusCode::NOT_FOUND,
        FaultKind::Conflict => StatusCode::CONFLICT,
        FaultKind::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        FaultKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        FaultKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}
