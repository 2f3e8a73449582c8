//! Handing writes to workflows in n8n: where each platform's workflow is, how a write is signed, and what n8n's answers mean.

use std::time::Duration;

use domain::fault::FaultKind;
use domain::platform::PlatformSlug;
use domain::time::Timestamp;
use reqwest::header::{HeaderMap, HeaderValue};
use secrecy::SecretString;
use serde_json::{Value, json};
use url::Url;

use crate::error::ConnectorError;
use crate::http::{Client, RawAnswer, Reach, SetupError};
use crate::signature;

/// When a write was signed, in seconds since 1970.
pub const TIMESTAMP: &str = "x-coccinelle-timestamp";

/// `sha256=` and the HMAC-SHA256 of timestamp, full stop and body, in hexadecimal digits.
pub const SIGNATURE: &str = "x-coccinelle-signature";

/// n8n's own answer to a write is short.
const ANSWER: usize = 64 * 1024;

const DOWN: &str = "n8n ne répond pas : vérifiez que n8n est démarré et que le workflow est activé";
const INACTIVE: &str = "Le workflow n8n de cette plateforme n'est pas activé : activez-le dans n8n";
const UNSIGNED: &str = "Le workflow n8n refuse notre signature : vérifiez le secret de signature dans n8n";

/// The workflows of one n8n. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Workflows {
    client: Client,
    base_url: Url,
    secret: SecretString,
}

impl Workflows {
    /// The workflows below `base_url`, which the operator has set; `timeout` ends every call.
    ///
    /// # Errors
    /// When the system's certificates cannot be used.
    pub fn new(base_url: Url, secret: SecretString, timeout: Duration) -> Result<Self, SetupError> {
        Ok(Self { client: Client::new(timeout, Reach::Anywhere)?, base_url, secret })
    }

    /// Hands a write to a platform's workflow. Success says that it was taken, not that it was done.
    ///
    /// # Errors
    /// See [`says_that_nobody_is_there`] for those that concern every write alike. Any other is about this write.
    pub async fn hand_over(&self, platform: &PlatformSlug, write: &Value) -> Result<(), ConnectorError> {
        let answer = self.post(platform, write).await?;
        if answer.is_success() { Ok(()) } else { Err(refused(answer)) }
    }

    /// Asks a platform's workflow whether it is there; answers what it says of itself. Writes nothing.
    ///
    /// # Errors
    /// As [`Self::hand_over`].
    pub async fn ask(&self, platform: &PlatformSlug) -> Result<Value, ConnectorError> {
        let answer = self.post(platform, &json!({"test": true})).await?;
        if answer.is_success() { Ok(answer.body) } else { Err(refused(answer)) }
    }

    async fn post(&self, platform: &PlatformSlug, body: &Value) -> Result<RawAnswer, ConnectorError> {
        let mut url = self.base_url.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(["webhook", "coccinelle", platform.as_str()]);
        }
        let body = body.to_string();
        let headers = signed(&self.secret, Timestamp::now(), &body);
        self.client.post(url, headers, body, ANSWER).await.map_err(|error| match error.status {
            None if error.kind == FaultKind::Unavailable => {
                ConnectorError { code: "n8n_down".to_owned(), message: DOWN.to_owned(), ..error }
            }
            Some(_) | None => error,
        })
    }
}

/// Whether an error of [`Workflows::hand_over`] says that n8n, or the platform's workflow in it, is not there, so that no
/// other write would be taken either.
#[must_use]
pub fn says_that_nobody_is_there(error: &ConnectorError) -> bool {
    matches!(error.code.as_str(), "n8n_down" | "n8n_not_configured" | "workflow_inactive" | "signature_refused")
}

fn signed(secret: &SecretString, now: Timestamp, body: &str) -> HeaderMap {
    let timestamp = (now.as_millis() / 1_000).to_string();
    let signature = signature::hmac_sha256_hex(secret, &[timestamp.as_bytes(), b".", body.as_bytes()]);
    let value = |text: String| HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""));
    HeaderMap::from_iter([
        (reqwest::header::HeaderName::from_static(TIMESTAMP), value(timestamp)),
        (reqwest::header::HeaderName::from_static(SIGNATURE), value(format!("sha256={signature}"))),
    ])
}

fn refused(answer: RawAnswer) -> ConnectorError {
    let (kind, code, message) = match answer.status {
        404 => (FaultKind::Unavailable, "workflow_inactive", INACTIVE.to_owned()),
        401 | 403 => (FaultKind::Unavailable, "signature_refused", UNSIGNED.to_owned()),
        429 => (FaultKind::RateLimited, "workflow_busy", "n8n reçoit trop de demandes pour le moment".to_owned()),
        408 | 500.. => (FaultKind::Unavailable, "n8n_down", DOWN.to_owned()),
        status => {
            (FaultKind::Invalid, "workflow_refused", format!("Le workflow n8n refuse la demande (statut {status})"))
        }
    };
    ConnectorError {
        status: Some(answer.status),
        retry_after: answer.retry_after,
        body: (!answer.body.is_null()).then(|| Box::new(answer.body)),
        ..ConnectorError::new(kind, code, message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed apart from this code, by Python: `hmac.new(b"a secret of thirty-two bytes or more", b'1767225600.{"test":true}',
    /// "sha256").hexdigest()`.
    #[test]
    fn signs_as_another_implementation_does() {
        let now = Timestamp::parse("2026-01-01T00:00:00.999Z").unwrap();
        let headers = signed(&"a secret of thirty-two bytes or more".into(), now, r#"{"test":true}"#);
        assert_eq!(headers[TIMESTAMP], "1767225600");
        assert_eq!(headers[SIGNATURE], "sha256=3169d8e238148ed40470d1e7bb9d03709557f739454ac547268776cb14174caa");
    }

    #[test]
    fn what_concerns_every_write_is_told_from_what_is_about_one() {
        let error = |status| refused(RawAnswer { status, body: Value::Null, retry_after: None });
        for status in [401, 403, 404, 408, 500, 502, 503, 504] {
            assert!(says_that_nobody_is_there(&error(status)), "{status}");
        }
        for status in [301, 400, 409, 413, 422, 429] {
            assert!(!says_that_nobody_is_there(&error(status)), "{status}");
        }
    }
}
