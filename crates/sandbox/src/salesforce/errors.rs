//! Refusals in Salesforce's forms: an array for a call, and a list of errors for a row of a collection.

use actix_web::{HttpResponse, ResponseError, http::StatusCode};
use serde_json::{Value, json};

/// A refusal.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct ApiError {
    pub(crate) status: u16,
    code: &'static str,
    pub(crate) message: String,
    fields: Vec<String>,
}

impl ApiError {
    pub(crate) fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), fields: Vec::new() }
    }

    /// A field whose value will not do.
    pub(crate) fn field(code: &'static str, field: &str, message: impl Into<String>) -> Self {
        Self { fields: vec![field.to_owned()], ..Self::new(400, code, message) }
    }

    pub(crate) fn session() -> Self {
        Self::new(401, "INVALID_SESSION_ID", "Session expired or invalid")
    }

    pub(crate) fn not_found() -> Self {
        Self::new(404, "NOT_FOUND", "The requested resource does not exist")
    }

    /// As the row of a collection says it.
    pub(crate) fn row_not_found() -> Self {
        Self::new(404, "NOT_FOUND", "Provided external ID field does not exist or is not accessible")
    }

    pub(crate) fn deleted() -> Self {
        Self::new(404, "ENTITY_IS_DELETED", "entity is deleted")
    }

    pub(crate) fn malformed(message: impl Into<String>) -> Self {
        Self::new(400, "JSON_PARSER_ERROR", message)
    }

    pub(crate) fn query(message: impl Into<String>) -> Self {
        Self::new(400, "MALFORMED_QUERY", message)
    }

    pub(crate) fn no_column(kind: &str, name: &str) -> Self {
        Self::new(400, "INVALID_FIELD", format!("No such column '{name}' on sobject of type {kind}"))
    }

    pub(crate) fn limit() -> Self {
        Self::new(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
    }

    pub(crate) fn switched_on(status: u16) -> Self {
        match status {
            401 => Self::session(),
            403 => Self::new(403, "API_DISABLED_FOR_ORG", "The REST API is not enabled for this Organization."),
            429 => Self::limit(),
            503 => Self::new(503, "SERVER_UNAVAILABLE", "Server too busy"),
            status => Self::new(status, "UNKNOWN_EXCEPTION", "switched on in the sandbox"),
        }
    }

    /// As the result of a row.
    pub(crate) fn as_row(&self) -> Value {
        let error = json!({"statusCode": self.code, "message": self.message, "fields": self.fields});
        json!({"success": false, "errors": [error]})
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        let mut error = json!({"message": self.message, "errorCode": self.code});
        if let (Some(body), false) = (error.as_object_mut(), self.fields.is_empty()) {
            body.insert("fields".to_owned(), json!(self.fields));
        }
        HttpResponse::build(self.status_code()).json([error])
    }
}
