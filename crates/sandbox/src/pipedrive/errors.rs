//! Refusals in Pipedrive's form.

use actix_web::{HttpResponse, ResponseError, http::StatusCode};
use serde_json::{Value, json};

const INFO: &str = "Please check developers.pipedrive.com for more information about Pipedrive API.";

/// A refusal.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct ApiError {
    pub(crate) status: u16,
    pub(crate) message: String,
    code: Option<&'static str>,
    additional: Value,
}

impl ApiError {
    fn new(status: u16, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), code: None, additional: Value::Null }
    }

    pub(crate) fn unauthorized() -> Self {
        Self::new(401, "unauthorized access")
    }

    pub(crate) fn not_found(kind: &str) -> Self {
        let singular = match kind {
            "persons" => "Person",
            "deals" => "Deal",
            "activities" => "Activity",
            "webhooks" => "Webhook",
            _ => "Entity",
        };
        Self { code: Some("ERR_NOT_FOUND"), ..Self::new(404, format!("{singular} not found")) }
    }

    /// A body or a query that is not of the form that is wanted.
    pub(crate) fn invalid(field: &str, problem: &str) -> Self {
        Self {
            code: Some("ERR_SCHEMA_VALIDATION_FAILED"),
            additional: json!({ field: problem }),
            ..Self::new(400, format!("Validation failed: {field} {problem}"))
        }
    }

    /// What belongs to an add-on that the company lacks.
    pub(crate) fn add_on(field: &str) -> Self {
        Self {
            code: Some("feature_capping_contact_sync"),
            ..Self::new(403, format!("{field} can only be written with contact sync"))
        }
    }

    /// What the grant does not hold.
    pub(crate) fn out_of_scope() -> Self {
        Self::new(403, "Scope and URL mismatch")
    }

    pub(crate) fn too_many(message: &str) -> Self {
        Self::new(429, message)
    }

    pub(crate) fn switched_on(status: u16) -> Self {
        Self::new(status, "switched on in the sandbox")
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        if self.status == 401 {
            let body = json!({"success": false, "error": self.message, "errorCode": 401, "error_info": INFO});
            return response.insert_header(("x-401-by-gw", "true")).json(body);
        }
        let mut body = json!({"success": false, "error": self.message, "error_info": INFO, "data": null,
                              "additional_data": self.additional});
        if let (Some(code), Some(fields)) = (self.code, body.as_object_mut()) {
            fields.insert("code".to_owned(), json!(code));
        }
        response.json(body)
    }
}
