//! Telling Coccinelle's backend by signed webhooks, after the convention of Standard Webhooks, and what its answers mean.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::fault::FaultKind;
use domain::time::Timestamp;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretSlice};
use url::Url;

use crate::error::ConnectorError;
use crate::http::{Client, RawAnswer, Reach, SetupError};
use crate::signature;

/// The id of a webhook: the same however often it is sent.
pub const ID: &str = "webhook-id";

/// When it was sent, in seconds since 1970.
pub const TIMESTAMP: &str = "webhook-timestamp";

/// For each secret `v1,` and the HMAC-SHA256 of id, timestamp and body, joined by full stops, in base64; separated by spaces.
pub const SIGNATURE: &str = "webhook-signature";

/// Nothing is read in the backend's answer but its status; so much of it is kept for the log.
const ANSWER: usize = 64 * 1024;

/// The bytes of a secret. Source: the specification of Standard Webhooks.
const SECRET_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// A secret by which webhooks are signed: `whsec_` and 24 to 64 bytes in base64.
#[derive(Clone)]
pub struct WebhookSecret(Arc<SecretSlice<u8>>);

/// The text is no secret of a webhook.
#[derive(Debug, thiserror::Error)]
#[error("a secret of webhooks is `whsec_` and 24 to 64 random bytes in base64")]
pub struct InvalidSecret;

impl FromStr for WebhookSecret {
    type Err = InvalidSecret;

    fn from_str(text: &str) -> Result<Self, InvalidSecret> {
        let encoded = text.strip_prefix("whsec_").ok_or(InvalidSecret)?;
        let bytes = STANDARD.decode(encoded).map_err(|_not_base64: base64::DecodeError| InvalidSecret)?;
        if SECRET_BYTES.contains(&bytes.len()) { Ok(Self(Arc::new(bytes.into()))) } else { Err(InvalidSecret) }
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Coccinelle's backend, as far as it is told of things. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Backend {
    client: Client,
    url: Url,
    secrets: Vec<WebhookSecret>,
}

impl Backend {
    /// The backend at `url`, which the operator has set; `timeout` ends every call. Every secret signs, so that one can be
    /// exchanged for another while both ends run.
    ///
    /// # Errors
    /// When the system's certificates cannot be used.
    pub fn new(url: Url, secrets: Vec<WebhookSecret>, timeout: Duration) -> Result<Self, SetupError> {
        Ok(Self { client: Client::new(timeout, Reach::Anywhere)?, url, secrets })
    }

    /// Tells the backend something. Success says that it has taken it, for good.
    ///
    /// # Errors
    /// See [`says_that_nobody_is_there`] for those that concern everything alike. Any other is about this webhook.
    pub async fn tell(&self, id: &str, body: String) -> Result<(), ConnectorError> {
        let headers = signed(&self.secrets, id, Timestamp::now(), &body);
        let answer = self.client.post(self.url.clone(), headers, body, ANSWER).await?;
        if answer.is_success() { Ok(()) } else { Err(refused(answer)) }
    }
}

/// An id for what is told: the same for the same `occasion` and `content`.
#[must_use]
pub fn id_of(occasion: &str, content: &str) -> String {
    format!("msg_{}", signature::fingerprint(&format!("{occasion}\n{content}")))
}

/// Whether an error says that the backend is not there, or takes nothing from us, so that nothing else would be taken either.
#[must_use]
pub fn says_that_nobody_is_there(error: &ConnectorError) -> bool {
    match error.status {
        None => error.kind == FaultKind::Unavailable,
        Some(status) => matches!(status, 300..=399 | 401 | 403..=405 | 408 | 410 | 500..),
    }
}

fn signed(secrets: &[WebhookSecret], id: &str, now: Timestamp, body: &str) -> HeaderMap {
    let timestamp = (now.as_millis() / 1_000).to_string();
    let signatures = secrets.iter().map(|secret| {
        let parts = [id.as_bytes(), b".", timestamp.as_bytes(), b".", body.as_bytes()];
        format!("v1,{}", STANDARD.encode(signature::hmac_sha256(secret.0.expose_secret(), &parts)))
    });
    let signatures = signatures.collect::<Vec<_>>().join(" ");
    let value = |text: &str| HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""));
    HeaderMap::from_iter([
        (HeaderName::from_static(ID), value(id)),
        (HeaderName::from_static(TIMESTAMP), value(&timestamp)),
        (HeaderName::from_static(SIGNATURE), value(&signatures)),
    ])
}

fn refused(answer: RawAnswer) -> ConnectorError {
    let kind = match answer.status {
        429 => FaultKind::RateLimited,
        300..=399 | 401 | 403..=405 | 408 | 409 | 410 | 423 | 425 | 500.. => FaultKind::Unavailable,
        _ => FaultKind::Invalid,
    };
    let status = answer.status;
    ConnectorError {
        status: Some(status),
        retry_after: answer.retry_after,
        body: (!answer.body.is_null()).then(|| Arc::new(answer.body)),
        ..ConnectorError::new(kind, &format!("http_{status}"), format!("the backend answered with status {status}"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn secret(text: &str) -> WebhookSecret {
        text.parse().unwrap()
    }

    /// The example of the convention's own documents.
    #[test]
    fn signs_as_the_convention_shows() {
        let now = Timestamp::from_millis(1_614_265_330_000).unwrap();
        let (id, body) = ("msg_p5jXN8AQM9LWM0D4loKWxJek", r#"{"test": 2432232314}"#);
        let example = secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let headers = signed(std::slice::from_ref(&example), id, now, body);
        assert_eq!(headers[ID], id);
        assert_eq!(headers[TIMESTAMP], "1614265330");
        assert_eq!(headers[SIGNATURE], "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        let other = secret("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
        let headers = signed(&[other, example], id, now, body);
        let both = headers[SIGNATURE].to_str().unwrap();
        assert!(both.ends_with(" v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="), "{both}");
    }

    #[test]
    fn a_secret_is_long_enough_and_never_printed() {
        for bad in
            ["", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_MfKQ", "whsec_not base64 at all!!!!!!!!!!!!"]
        {
            assert!(bad.parse::<WebhookSecret>().is_err(), "{bad}");
        }
        assert_eq!(format!("{:?}", secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")), "***");
    }

    #[test]
    fn an_id_is_the_same_for_the_same_content_on_the_same_occasion() {
        assert_eq!(id_of("a", "b"), id_of("a", "b"));
        assert_ne!(id_of("a", "b"), id_of("a", "c"));
        assert_ne!(id_of("a", "b"), id_of("c", "b"));
        assert!(id_of("a", "b").chars().all(|c| c.is_ascii_alphanumeric() || c == '_'));
    }

    #[test]
    fn what_concerns_everything_is_told_from_what_is_about_one_webhook() {
        let error = |status| refused(RawAnswer { status, body: Value::Null, retry_after: None });
        for status in [301, 401, 403, 404, 410, 500, 502, 503] {
            assert!(says_that_nobody_is_there(&error(status)), "{status}");
        }
        for status in [400, 409, 413, 422, 429] {
            assert!(!says_that_nobody_is_there(&error(status)), "{status}");
        }
    }
}
