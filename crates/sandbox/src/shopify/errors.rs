//! Refusals in Shopify's forms: of a request, at the top of an answer, and in the payload of a change.

use actix_web::{HttpResponse, ResponseError, http::StatusCode};
use serde_json::{Value, json};

/// A request that is refused as a whole.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct HttpError {
    status: u16,
    message: String,
}

impl HttpError {
    pub(crate) fn new(status: u16, message: &str) -> Self {
        Self { status, message: message.to_owned() }
    }

    pub(crate) fn unauthorized() -> Self {
        Self::new(401, "[API] Invalid API key or access token (unrecognized login or wrong password)")
    }

    pub(crate) fn switched_on(status: u16) -> Self {
        Self::new(status, "switched on in the sandbox")
    }
}

impl ResponseError for HttpError {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        if self.status == 429 {
            response.insert_header(("retry-after", "2.0"));
        }
        response.json(json!({"errors": self.message}))
    }
}

pub(crate) async fn nothing() -> HttpResponse {
    HttpError::new(404, "Not Found").error_response()
}

/// What the top of an answer finds fault with; the status is a success all the same.
#[derive(Clone, Debug)]
pub(crate) struct TopError {
    pub(crate) message: String,
    pub(crate) code: &'static str,
}

impl TopError {
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { message: message.into(), code }
    }

    pub(crate) fn body(&self) -> Value {
        json!([{"message": self.message, "extensions": {"code": self.code}}])
    }
}

/// What the payload of a change finds fault with.
#[derive(Clone, Debug)]
pub(crate) struct UserError {
    field: Vec<String>,
    pub(crate) message: String,
    code: &'static str,
}

impl UserError {
    pub(crate) fn new(field: &[&str], code: &'static str, message: &str) -> Self {
        Self { field: field.iter().map(|name| (*name).to_owned()).collect(), message: message.to_owned(), code }
    }

    pub(crate) fn taken(field: &str, label: &str) -> Self {
        Self::new(&[field], "TAKEN", &format!("{label} has already been taken"))
    }

    pub(crate) fn gone(label: &str) -> Self {
        Self::new(&["id"], "NOT_FOUND", &format!("{label} does not exist"))
    }

    pub(crate) fn body(&self) -> Value {
        json!({"field": self.field, "message": self.message, "code": self.code})
    }
}
