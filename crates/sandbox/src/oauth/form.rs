//! What is sent to a token endpoint, in each of the forms in which platforms take it.

use actix_web::{
    HttpRequest,
    http::header,
    web::{self, Bytes},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::Value;

use super::{CLIENT_ID, CLIENT_SECRET, Refusal};

/// Which fields are needed depends on the grant.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct TokenForm {
    pub(crate) grant_type: String,
    client_id: String,
    client_secret: String,
    pub(crate) code: String,
    pub(crate) redirect_uri: String,
    pub(crate) code_verifier: String,
    pub(crate) refresh_token: String,
    pub(crate) token: String,
    /// How long the access token is to live, where the app may say so.
    #[serde(deserialize_with = "number")]
    pub(crate) expires_in: Option<i64>,
}

impl TokenForm {
    /// A form or JSON; the app's name and secret may also come as `Authorization: Basic`.
    pub(crate) fn read(request: &HttpRequest, body: &Bytes) -> Option<Self> {
        let text = |name: header::HeaderName| request.headers().get(name).and_then(|value| value.to_str().ok());
        let is_json = text(header::CONTENT_TYPE).is_some_and(|told| told.starts_with("application/json"));
        let mut form: Self = if is_json {
            serde_json::from_slice(body).ok()?
        } else {
            web::Query::<Self>::from_query(std::str::from_utf8(body).ok()?).ok()?.into_inner()
        };
        if let Some(basic) = text(header::AUTHORIZATION).and_then(|told| told.strip_prefix("Basic ")) {
            let both = String::from_utf8(STANDARD.decode(basic).ok()?).ok()?;
            let (id, secret) = both.split_once(':')?;
            (form.client_id, form.client_secret) = (id.to_owned(), secret.to_owned());
        }
        Some(form)
    }

    pub(crate) fn check_client(&self) -> Result<(), Refusal> {
        if self.client_id != CLIENT_ID {
            return Err(Refusal::UnknownClient);
        }
        if self.client_secret != CLIENT_SECRET {
            return Err(Refusal::WrongSecret);
        }
        Ok(())
    }
}

/// A number, written as one or as text.
fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Number(number) => Ok(number.as_i64()),
        Value::String(text) => text.parse().map(Some).map_err(D::Error::custom),
        Value::Null => Ok(None),
        other @ (Value::Bool(_) | Value::Array(_) | Value::Object(_)) => {
            Err(D::Error::custom(format!("{other} is no number")))
        }
    }
}
