//! WooCommerce's error bodies. What may be answered with them is decided where it goes wrong.

use actix_web::{HttpResponse, ResponseError, http::StatusCode};
use serde_json::{Map, Value, json};

use crate::stand_in::Refused;

/// An error as the REST API of WordPress answers it.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct WooError {
    pub(crate) status: u16,
    pub(crate) code: &'static str,
    pub(crate) message: String,
    /// Beside the status.
    data: Map<String, Value>,
}

impl WooError {
    pub(crate) fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), data: Map::new() }
    }

    pub(crate) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.data.insert(name.to_owned(), value.into());
        self
    }

    /// No key, an unknown one, or a request that does not come by HTTPS: all look like nobody.
    pub(crate) fn nobody(verb: &str) -> Self {
        Self::new(401, "woocommerce_rest_cannot_view", format!("Sorry, you cannot {verb} resources."))
    }

    pub(crate) fn unauthenticated(message: &str) -> Self {
        Self::new(401, "woocommerce_rest_authentication_error", message)
    }

    pub(crate) fn no_batch() -> Self {
        let message = "Sorry, you are not allowed to batch manipulate this resource.";
        Self::new(403, "woocommerce_rest_cannot_batch", message)
    }

    /// By a plugin, and not by WordPress itself.
    pub(crate) fn closed() -> Self {
        Self::new(401, "rest_cannot_access", "Only authenticated users can access the REST API.")
    }

    pub(crate) fn no_route() -> Self {
        Self::new(404, "rest_no_route", "No route was found matching the URL and request method.")
    }

    /// A parameter that is not of its form.
    pub(crate) fn invalid(parameter: &str, code: &str, message: &str) -> Self {
        Self::new(400, "rest_invalid_param", format!("Invalid parameter(s): {parameter}"))
            .with("params", json!({ parameter: message }))
            .with("details", json!({ parameter: {"code": code, "message": message, "data": null} }))
    }

    pub(crate) fn no_trash(plural: &str) -> Self {
        Self::new(501, "woocommerce_rest_trash_not_supported", format!("{plural} do not support trashing."))
    }

    pub(crate) fn body(&self) -> Value {
        let mut data = Map::from_iter([("status".to_owned(), json!(self.status))]);
        data.extend(self.data.clone());
        json!({"code": self.code, "message": self.message, "data": data})
    }
}

impl ResponseError for WooError {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        HttpResponse::build(self.status_code()).json(self.body())
    }
}

impl From<WooError> for Refused {
    fn from(error: WooError) -> Self {
        Self::new(error.status, error.message)
    }
}
