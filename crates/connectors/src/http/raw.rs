//! Calls whose answer is passed on as it is, whatever its status: no success or failure is read into it here.

use domain::fault::FaultKind;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap};
use reqwest::{Method, Url};
use secrecy::ExposeSecret;
use serde_json::Value;

use super::answer::{self, without};
use super::client::{Client, take_patiently};
use super::{Call, classify};
use crate::account::Account;
use crate::error::ConnectorError;

/// No answer that is passed on is longer than this.
const BODY_LIMIT: usize = 4 * 1024 * 1024;

/// No answer of a token endpoint is longer than this.
const TOKEN_BODY_LIMIT: usize = 64 * 1024;

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

    /// What its status says, where that is no success. The connector refines code and message.
    pub(crate) fn refused(&self) -> Option<ConnectorError> {
        let error = || {
            let error = answer::refused(self.status, &HeaderMap::new(), self.body.clone());
            ConnectorError { retry_after: self.retry_after, ..error }
        };
        (!self.is_success()).then(error)
    }
}

impl Client {
    /// Calls a platform with the account's credentials, within its budget, and gives back what it answers.
    pub(crate) async fn forward(&self, account: &Account, call: Call) -> Result<RawAnswer, ConnectorError> {
        let url = self.url_of(account, &call)?;
        take_patiently(account, call.cost).await?;
        let (response, token) = self.called(account, &call, &url).await?;
        let secrets = account.secrets().chain(token.as_ref().map(ExposeSecret::expose_secret));
        Ok(read(response, BODY_LIMIT).await?.as_raw(secrets))
    }

    /// Posts a form, our app's id and secret in the header where they are given. What is answered may be a secret itself.
    pub(crate) async fn post_form(
        &self,
        url: Url,
        app: Option<(&str, &str)>,
        form: &[(&str, &str)],
    ) -> Result<RawAnswer, ConnectorError> {
        self.check(&url)?;
        let request = self.request(Method::POST, url).header(ACCEPT, "application/json").form(form);
        let request = if let Some((id, secret)) = app { request.basic_auth(id, Some(secret)) } else { request };
        self.bare(request).await
    }

    /// Posts JSON that holds our app's id and secret.
    pub(crate) async fn post_secret(&self, url: Url, body: &Value) -> Result<RawAnswer, ConnectorError> {
        self.check(&url)?;
        self.bare(self.request(Method::POST, url).header(ACCEPT, "application/json").json(body)).await
    }

    async fn bare(&self, request: reqwest::RequestBuilder) -> Result<RawAnswer, ConnectorError> {
        let response = self.deliver(request).await.map_err(|error| self.refine(error))?;
        Ok(read(response, TOKEN_BODY_LIMIT).await?.as_raw(std::iter::empty()))
    }

    /// Posts JSON with these headers, without any credentials of ours, where it may call at all.
    pub(crate) async fn post(
        &self,
        url: Url,
        headers: HeaderMap,
        body: String,
        limit: usize,
    ) -> Result<RawAnswer, ConnectorError> {
        self.check(&url)?;
        let request = self.request(Method::POST, url).headers(headers).header(CONTENT_TYPE, "application/json");
        let response = self.deliver(request.body(body)).await.map_err(|error| self.refine(error))?;
        Ok(read(response, limit).await?.as_raw(std::iter::empty()))
    }
}

struct Bytes {
    status: u16,
    headers: HeaderMap,
    bytes: Vec<u8>,
}

impl Bytes {
    /// Without these secrets.
    fn as_raw<'a>(&'a self, secrets: impl Iterator<Item = &'a str>) -> RawAnswer {
        let text = without(String::from_utf8_lossy(&self.bytes), secrets);
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
