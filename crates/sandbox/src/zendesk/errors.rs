//! Refusals in Zendesk's forms, of which there are several.

use actix_web::{HttpResponse, ResponseError, http::StatusCode};
use serde_json::{Value, json};

/// A refusal.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct ApiError {
    pub(crate) status: u16,
    pub(crate) message: String,
    body: Value,
}

impl ApiError {
    pub(crate) fn unauthorized() -> Self {
        let message = "The access token provided is expired, revoked, malformed or invalid for other reasons.";
        Self {
            status: 401,
            message: message.to_owned(),
            body: json!({"error": "invalid_token", "error_description": message}),
        }
    }

    pub(crate) fn not_found() -> Self {
        let body = json!({"error": "RecordNotFound", "description": "Not found"});
        Self { status: 404, message: "Not found".to_owned(), body }
    }

    /// A value that cannot be kept.
    pub(crate) fn invalid(field: &str, error: &str, description: &str) -> Self {
        let details = json!({field: [{"description": description, "error": error}]});
        let body = json!({"error": "RecordInvalid", "description": "Record validation errors", "details": details});
        Self { status: 422, message: description.to_owned(), body }
    }

    /// A request that cannot be read.
    pub(crate) fn malformed(detail: &str) -> Self {
        let body = json!({"errors": [{"code": "InvalidParameter", "title": "Invalid parameter", "detail": detail}]});
        Self { status: 400, message: detail.to_owned(), body }
    }

    pub(crate) fn too_many() -> Self {
        let message = "Number of allowed API requests per minute exceeded";
        Self {
            status: 429,
            message: message.to_owned(),
            body: json!({"error": "APIRateLimitExceeded", "description": message}),
        }
    }

    pub(crate) fn forbidden() -> Self {
        let message = "You do not have access to this page. Please contact the account owner of this help desk.";
        let body = json!({"error": {"title": "Forbidden", "message": message}});
        Self { status: 403, message: message.to_owned(), body }
    }

    /// The grant does not hold that scope.
    pub(crate) fn lacking(scope: &str) -> Self {
        let message = format!("You are missing the following required scopes: {scope}");
        Self { status: 403, body: json!({"error": "Forbidden", "description": message}), message }
    }

    pub(crate) fn switched_on(status: u16) -> Self {
        match status {
            401 => return Self::unauthorized(),
            403 => return Self::forbidden(),
            429 => return Self::too_many(),
            _ => {}
        }
        let body = json!({"error": {"title": "Sandbox", "message": "switched on in the sandbox"}});
        Self { status, message: "switched on in the sandbox".to_owned(), body }
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        if self.status == 429 {
            response.insert_header(("retry-after", "17"));
        }
        response.json(&self.body)
    }
}
