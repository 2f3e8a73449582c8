//! Calls whose answer is passed on as it is, whatever its status: no success or failure is read into it here.

use domain::fault::FaultKind;
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use reqwest::{Method, Url};
use secrecy::ExposeSecret;
use serde_json::Value;

use super::client::{Client, take_patiently};
use super::{Call, classify};
use crate::account::Account;
use crate::error::ConnectorError;

/// No answer that is passed on is longer than this.
const BODY_LIMIT: usize = 4 * 1024 * 1024;

/// An answer of any status.
#[derive(Clone, Debug)]
pub struct RawAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The body; text where it is no JSON, `Null` where there is none.
    pub body: Value,
    /// What it asks the caller to wait.
    pub retry_after: Option<std::time::Duration>,
}

impl RawAnswer {
    /// Whether the status is a success.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

impl Client {
    /// Calls a platform with the account's bearer token, within its budget, and gives back what it answers.
    pub(crate) async fn forward(&self, account: &Account, call: Call) -> Result<RawAnswer, ConnectorError> {
        let url = self.url_of(account, &call)?;
        take_patiently(account, call.cost).await?;
        let token = account.bearer().expose_secret();
        let mut request = self.request(call.method, url).bearer_auth(token);
        if let Some(body) = &call.body {
            request = request.json(body);
        }
        let answer = read(request.send().await.map_err(|error| self.refine(error))?, BODY_LIMIT).await?;
        Ok(answer.into_raw(token))
    }

    /// Posts JSON with these headers, without any credentials of ours.
    pub(crate) async fn post(
        &self,
        url: Url,
        headers: HeaderMap,
        body: String,
        limit: usize,
    ) -> Result<RawAnswer, ConnectorError> {
        let request = self.request(Method::POST, url).headers(headers).header(CONTENT_TYPE, "application/json");
        let response = request.body(body).send().await.map_err(|error| self.refine(error))?;
        Ok(read(response, limit).await?.into_raw(""))
    }
}

struct Bytes {
    status: u16,
    headers: HeaderMap,
    bytes: Vec<u8>,
}

impl Bytes {
    /// Without `secret`, which some platforms repeat in an error.
    fn into_raw(self, secret: &str) -> RawAnswer {
        let text = String::from_utf8_lossy(&self.bytes);
        let text = if secret.is_empty() { text } else { text.replace(secret, "•••").into() };
        let body = match text.trim() {
            "" => Value::Null,
            text => serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned())),
        };
        let retry_after = classify::retry_after(&self.headers, domain::time::Timestamp::now());
        RawAnswer { status: self.status, body, retry_after }
    }
}

async fn read(mut response: reqwest::Response, limit: usize) -> Result<Bytes, ConnectorError> {
    let (status, headers, mut bytes) = (response.status().as_u16(), response.headers().clone(), Vec::new());
    while let Some(chunk) = response.chunk().await.map_err(ConnectorError::transport)? {
        if bytes.len() + chunk.len() > limit {
            return Err(ConnectorError::new(FaultKind::Invalid, "answer_too_long", "the answer is too long"));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(Bytes { status, headers, bytes })
}
