//! What a platform answered: read to a limit, without our secrets, and turned into an error where it is no success.

use std::borrow::Cow;
use std::sync::Arc;

use domain::fault::FaultKind;
use domain::time::Timestamp;
use reqwest::header::HeaderMap;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::classify;
use crate::account::Account;
use crate::error::ConnectorError;

/// No answer that we ask for is longer than this.
const BODY_LIMIT: usize = 32 * 1024 * 1024;
/// How much of an answer that is not JSON is kept for the logs.
const EXCERPT: usize = 500;

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    /// `Null` where there is none.
    pub(crate) body: Value,
}

impl Answer {
    /// # Errors
    /// Where it is no success.
    pub(crate) fn or_refused(self) -> Result<Self, ConnectorError> {
        if (200..300).contains(&self.status) { Ok(self) } else { Err(refused(self.status, &self.headers, self.body)) }
    }

    /// The number in a header, such as what is left of a limit.
    pub(crate) fn number(&self, header: &str) -> Option<u32> {
        self.headers.get(header)?.to_str().ok()?.trim().parse().ok()
    }
}

pub(super) fn refused(status: u16, headers: &HeaderMap, body: Value) -> ConnectorError {
    let kind = classify::kind_of(status);
    ConnectorError {
        status: Some(status),
        retry_after: classify::retry_after(headers, Timestamp::now()),
        body: (!body.is_null()).then(|| Arc::new(body)),
        ..ConnectorError::new(kind, &format!("http_{status}"), format!("the platform answered with status {status}"))
    }
}

/// The body of an answer, of at most `limit` bytes.
pub(super) async fn read_bytes(mut response: reqwest::Response, limit: usize) -> Result<Vec<u8>, ConnectorError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(ConnectorError::transport)? {
        if bytes.len() + chunk.len() > limit {
            return Err(ConnectorError::new(
                FaultKind::Invalid,
                "answer_too_long",
                "the platform's answer is too long",
            ));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

pub(super) async fn read_body(
    response: reqwest::Response,
    account: &Account,
    token: Option<&SecretString>,
) -> Result<Value, ConnectorError> {
    let bytes = read_bytes(response, BODY_LIMIT).await?;
    if bytes.is_empty() {
        return Ok(Value::Null);
    }
    let secrets = account.secrets().chain(token.map(ExposeSecret::expose_secret));
    let text = without(String::from_utf8_lossy(&bytes), secrets);
    Ok(serde_json::from_str(&text).unwrap_or_else(|_| Value::String(text.chars().take(EXCERPT).collect())))
}

/// A text without these secrets: some platforms repeat in an error what they were sent, and errors end up in logs.
pub(super) fn without<'a>(text: Cow<'a, str>, secrets: impl Iterator<Item = &'a str>) -> Cow<'a, str> {
    secrets.fold(text, |text, secret| if text.contains(secret) { text.replace(secret, "•••").into() } else { text })
}
