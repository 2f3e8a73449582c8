//! HubSpot's error bodies. What may be answered with them is decided where it goes wrong.

use std::{
    fmt,
    ops::{Deref, DerefMut},
};

use actix_web::{HttpResponse, ResponseError, http::StatusCode};
use serde::Serialize;
use serde_json::{Value, json};

/// An error as HubSpot's API answers it. Boxed, so that a `Result` stays small.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub(crate) struct ApiError(Box<Body>);

/// The fields of an error.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Body {
    #[serde(skip)]
    pub(crate) code: StatusCode,
    status: &'static str,
    pub(crate) message: String,
    correlation_id: String,
    pub(crate) category: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy_name: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_type: Option<&'static str>,
    /// OAuth's own word, which the dated endpoints give beside `status`.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'static str>,
    #[serde(skip_serializing_if = "Value::is_null")]
    pub(crate) context: Value,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<Value>,
}

/// One property's value that was refused.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    pub(crate) property: String,
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

impl ApiError {
    pub(crate) fn new(code: StatusCode, category: &'static str, message: impl Into<String>) -> Self {
        Self(Box::new(Body {
            code,
            status: "error",
            message: message.into(),
            correlation_id: correlation_id(),
            category,
            policy_name: None,
            error_type: None,
            error: None,
            context: Value::Null,
            errors: Vec::new(),
        }))
    }

    pub(crate) fn validation(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "VALIDATION_ERROR", message)
    }

    /// The wording that clients parse: a sentence with the refusals as JSON in it, and again as `errors`.
    pub(crate) fn refused(refusals: &[Refusal]) -> Self {
        let told: Vec<Value> = refusals
            .iter()
            .map(|refusal| {
                json!({"isValid": false, "message": refusal.message, "error": refusal.code,
                       "name": refusal.property, "localizedErrorMessage": refusal.message})
            })
            .collect();
        let mut error = Self::validation(format!("Property values were not valid: {}", Value::Array(told)));
        error.errors = refusals
            .iter()
            .map(|refusal| {
                json!({"message": refusal.message, "code": refusal.code,
                       "context": {"propertyName": [refusal.property]}})
            })
            .collect();
        error
    }

    pub(crate) fn conflict(message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "CONFLICT", message)
    }

    pub(crate) fn not_found(id: &str) -> Self {
        let mut error =
            Self::new(StatusCode::NOT_FOUND, "OBJECT_NOT_FOUND", "Object not found.  objectId are usually numeric.");
        error.context = json!({"id": [id]});
        error
    }

    pub(crate) fn unauthenticated() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "INVALID_AUTHENTICATION",
            "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find more \
             details at https://developers.hubspot.com/docs/methods/auth/oauth-overview",
        )
    }

    pub(crate) fn expired(seconds_ago: i64) -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "EXPIRED_AUTHENTICATION",
            format!("The OAuth token used to make this call expired {seconds_ago} second(s) ago."),
        )
    }

    pub(crate) fn too_many(policy: &'static str) -> Self {
        let mut error = Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "RATE_LIMITS",
            format!("You have reached your {} limit.", policy.to_lowercase()),
        );
        error.policy_name = Some(policy);
        error.error_type = Some("RATE_LIMIT");
        error
    }

    pub(crate) fn oauth(status: &'static str, error: &'static str, message: &str) -> Self {
        let mut answer = Self::new(StatusCode::BAD_REQUEST, status, message);
        answer.status = status;
        answer.error = Some(error);
        answer
    }

    /// A fault that was switched on for this account.
    pub(crate) fn switched_on(status: u16) -> Self {
        let code = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        match status {
            401 => Self::unauthenticated(),
            403 => {
                Self::new(code, "MISSING_SCOPES", "This app hasn't been granted all required scopes to make this call.")
            }
            429 => Self::too_many("TEN_SECONDLY_ROLLING"),
            _ => Self::new(code, "INTERNAL_ERROR", "internal error"),
        }
    }

    /// The same as an item of a batch's `errors`.
    pub(crate) fn as_item(&self, ids: &[String], trace_id: Option<&str>) -> Value {
        let mut context = match &self.context {
            Value::Object(fields) => fields.clone(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                serde_json::Map::new()
            }
        };
        context.remove("id");
        if !ids.is_empty() {
            context.insert("ids".into(), json!(ids));
        }
        if let Some(trace_id) = trace_id {
            context.insert("objectWriteTraceId".into(), json!([trace_id]));
        }
        json!({"status": "error", "category": self.category, "message": self.message,
               "context": context, "errors": self.errors, "links": {}})
    }
}

impl Deref for ApiError {
    type Target = Body;

    fn deref(&self) -> &Body {
        &self.0
    }
}

impl DerefMut for ApiError {
    fn deref_mut(&mut self) -> &mut Body {
        &mut self.0
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        self.code
    }

    fn error_response(&self) -> HttpResponse {
        HttpResponse::build(self.code).json(self)
    }
}

/// In the form of a UUID, as HubSpot's are.
fn correlation_id() -> String {
    let bits: u128 = rand::random();
    let hex = format!("{bits:032x}");
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
}
