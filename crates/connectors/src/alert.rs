//! Telling a tenant's own webhooks of trouble, at addresses that it typed: in Slack's form, or signed after the convention of
//! Standard Webhooks. What they are told is the caller's to say.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::fault::FaultKind;
use domain::time::Timestamp;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::error::ConnectorError;
use crate::http::{Client, Reach, SetupError};
use crate::signature;

/// Nothing is read in the answer but its status.
const ANSWER: usize = 64 * 1024;

/// What tells webhooks. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Hooks {
    client: Client,
}

impl Hooks {
    /// `timeout` ends every call; `reach` says where it may lead, which is to public hosts only unless this is a test.
    ///
    /// # Errors
    /// When the system's certificates cannot be used.
    pub fn new(timeout: Duration, reach: Reach) -> Result<Self, SetupError> {
        Ok(Self { client: Client::new(timeout, reach)? })
    }

    /// Tells it at `url`, signed where there is a secret. `id` is the same however often it is told.
    ///
    /// # Errors
    /// When it is not taken. The error does not say where: the address may hold a secret.
    pub async fn tell(
        &self,
        url: &SecretString,
        secret: Option<&SecretString>,
        id: &str,
        body: String,
    ) -> Result<(), ConnectorError> {
        let url = Url::parse(url.expose_secret());
        let url = url.map_err(|_not_one| refusal(FaultKind::Invalid, "the address is none".to_owned()))?;
        let headers = secret.map(|secret| signed(secret, id, Timestamp::now(), &body)).unwrap_or_default();
        // The message of a transport error names the address.
        let answer = self.client.post(url, headers, body, ANSWER).await.map_err(|error| match error.source {
            Some(_) => refusal(error.kind, "there was no answer".to_owned()),
            None => error,
        })?;
        if answer.is_success() {
            return Ok(());
        }
        let kind = match answer.status {
            429 => FaultKind::RateLimited,
            400..500 => FaultKind::Invalid,
            _ => FaultKind::Unavailable,
        };
        let error = refusal(kind, format!("it was answered with status {}", answer.status));
        Err(ConnectorError { status: Some(answer.status), retry_after: answer.retry_after, ..error })
    }
}

fn refusal(kind: FaultKind, message: String) -> ConnectorError {
    ConnectorError::new(kind, "webhook_refused", message)
}

fn signed(secret: &SecretString, id: &str, now: Timestamp, body: &str) -> HeaderMap {
    let timestamp = (now.as_millis() / 1_000).to_string();
    let parts = [id.as_bytes(), b".", timestamp.as_bytes(), b".", body.as_bytes()];
    let tag = signature::hmac_sha256(secret.expose_secret().as_bytes(), &parts);
    let value = |text: &str| HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""));
    HeaderMap::from_iter([
        (HeaderName::from_static("webhook-id"), value(id)),
        (HeaderName::from_static("webhook-timestamp"), value(&timestamp)),
        (HeaderName::from_static("webhook-signature"), value(&format!("v1,{}", STANDARD.encode(tag)))),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed apart from this code, by Python: `base64.b64encode(hmac.new(b"sixteen letters.", b'msg_1.1767225600.{"a":1}',
    /// "sha256").digest())`.
    #[test]
    fn signs_as_another_implementation_does() {
        let now = Timestamp::parse("2026-01-01T00:00:00.999Z").unwrap();
        let headers = signed(&"sixteen letters.".into(), "msg_1", now, r#"{"a":1}"#);
        assert_eq!(headers["webhook-id"], "msg_1");
        assert_eq!(headers["webhook-timestamp"], "1767225600");
        assert_eq!(headers["webhook-signature"], "v1,DK+wd/PyRlt1C4k16rP8W5OpAdtaIcfgxn8t0mOrcH4=");
    }

    #[tokio::test]
    async fn an_address_in_our_own_network_is_not_called() {
        let hooks = Hooks::new(Duration::from_secs(5), Reach::PublicOnly { other_ports: Vec::new() }).unwrap();
        for url in ["https://127.0.0.1/x", "https://10.0.0.1/", "http://example.com/", "https://localhost/"] {
            let error = hooks.tell(&url.to_owned().into(), None, "msg_1", "{}".to_owned()).await.unwrap_err();
            assert_eq!((error.kind, error.code.as_str()), (FaultKind::Invalid, "address_not_public"), "{url}");
        }
    }
}
