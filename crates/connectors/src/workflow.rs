//! Handing writes to workflows in n8n: where each platform's workflow is, how a write is signed, and what n8n's answers mean.

use std::sync::Arc;
use std::time::Duration;

use domain::fault::FaultKind;
use domain::id::IntegrationId;
use domain::platform::PlatformSlug;
use domain::time::Timestamp;
use domain::workflow::faults;
use reqwest::header::{HeaderMap, HeaderValue};
use secrecy::SecretString;
use serde_json::Value;
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
const NOT_PUBLIC: &str =
    "L'adresse de votre workflow n8n ne mène pas à un site public en https : corrigez-la dans les réglages";

/// Which workflow takes an integration's writes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Workflow {
    /// The one for all integrations of this platform, in the operator's n8n.
    Shared(PlatformSlug),
    /// The integration's own, at an address that its tenant typed.
    Own(IntegrationId, Url),
}

/// The workflows of the operator's n8n, and those of tenants. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Workflows {
    shared: Client,
    own: Client,
    base_url: Url,
    secret: SecretString,
}

impl Workflows {
    /// The workflows below `base_url`, which the operator has set, and those at addresses that tenants typed, as far as `reach`
    /// lets these lead; `timeout` ends every call.
    ///
    /// # Errors
    /// When the system's certificates cannot be used.
    pub fn new(base_url: Url, secret: SecretString, timeout: Duration, reach: Reach) -> Result<Self, SetupError> {
        let (shared, own) = (Client::new(timeout, Reach::Anywhere)?, Client::new(timeout, reach)?);
        Ok(Self { shared, own, base_url, secret })
    }

    /// The same, answered by a script.
    #[cfg(fuzzing)]
    #[must_use]
    pub fn answered_by(self, script: &crate::http::Script) -> Self {
        let answered = |client: Client| client.answered_by(script.clone());
        Self { shared: answered(self.shared), own: answered(self.own), ..self }
    }

    /// Hands a write to a workflow. Success says that it was taken, not that it was done.
    ///
    /// # Errors
    /// See [`absence`] for those that concern every write alike. Any other is about this write.
    pub async fn hand_over(&self, to: &Workflow, write: &Value) -> Result<(), ConnectorError> {
        let (client, url, secret) = match to {
            Workflow::Shared(platform) => (&self.shared, self.shared_url(platform), self.secret.clone()),
            Workflow::Own(id, url) => (&self.own, url.clone(), own_secret(&self.secret, *id)),
        };
        let body = write.to_string();
        let headers = signed(&secret, Timestamp::now(), &body);
        let answer = client.post(url, headers, body, ANSWER).await.map_err(unanswered)?;
        if is_taken(&answer) { Ok(()) } else { Err(refused(answer)) }
    }

    fn shared_url(&self, platform: &PlatformSlug) -> Url {
        let mut url = self.base_url.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(["webhook", "coccinelle", platform.as_str()]);
        }
        url
    }
}

/// What signs the writes that an integration's own workflow is handed.
///
/// It follows from the operator's secret, which whoever knows this one does not learn: with that, a tenant could sign what the
/// workflows of all others believe.
#[must_use]
pub fn own_secret(operators: &SecretString, id: IntegrationId) -> SecretString {
    signature::hmac_sha256_hex(operators, &[b"coccinelle/own-workflow/", id.to_string().as_bytes()]).into()
}

/// What a tenant is told where an error of [`Workflows::hand_over`] says that the workflow, or all of n8n, is not there.
///
/// No other write would be taken then either; `None` where it is about this write.
#[must_use]
pub fn absence(error: &ConnectorError) -> Option<ConnectorError> {
    match error.code.as_str() {
        faults::NOT_PUBLIC | faults::DOWN | faults::NOT_CONFIGURED | faults::INACTIVE | faults::UNSIGNED => {
            Some(error.clone())
        }
        // So slow that its caller could not wait for it: to whoever waits, the same.
        _ if error.is_out_of_time() => Some(ConnectorError::new(FaultKind::Unavailable, faults::DOWN, DOWN)),
        _ => None,
    }
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

/// What it means that no answer came.
fn unanswered(error: ConnectorError) -> ConnectorError {
    match error.status {
        None if error.code == faults::NOT_PUBLIC => {
            ConnectorError::new(FaultKind::Unavailable, faults::NOT_PUBLIC, NOT_PUBLIC)
        }
        None if error.kind == FaultKind::Unavailable => {
            ConnectorError { code: faults::DOWN.to_owned(), message: DOWN.to_owned(), ..error }
        }
        Some(_) | None => error,
    }
}

/// What n8n itself answers for a workflow that is to answer at once and was given no words for it.
const STARTED: &str = "Workflow was started";

/// A workflow says so itself. The status alone is not believed: while n8n starts, it answers 200 to whatever it is asked.
fn is_taken(answer: &RawAnswer) -> bool {
    let says = |word: &str| answer.body.get(word) == Some(&Value::Bool(true));
    let is_started = || answer.body.get("message").and_then(Value::as_str) == Some(STARTED);
    answer.is_success() && (says("accepted") || says("ok") || is_started())
}

fn refused(answer: RawAnswer) -> ConnectorError {
    let (kind, code, message) = match answer.status {
        404 => (FaultKind::Unavailable, faults::INACTIVE, INACTIVE.to_owned()),
        401 | 403 => (FaultKind::Unavailable, faults::UNSIGNED, UNSIGNED.to_owned()),
        429 => (FaultKind::RateLimited, faults::BUSY, "n8n reçoit trop de demandes pour le moment".to_owned()),
        200..300 | 408 | 500.. => (FaultKind::Unavailable, faults::DOWN, DOWN.to_owned()),
        status => (FaultKind::Invalid, faults::REFUSED, format!("Le workflow n8n refuse la demande (statut {status})")),
    };
    ConnectorError {
        status: Some(answer.status),
        retry_after: answer.retry_after,
        body: (!answer.body.is_null()).then(|| Arc::new(answer.body)),
        ..ConnectorError::new(kind, code, message)
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;
    use serde_json::json;

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
        for status in [200, 202, 204, 401, 403, 404, 408, 500, 502, 503, 504] {
            assert!(absence(&error(status)).is_some(), "{status}");
        }
        for status in [301, 400, 409, 413, 422, 429] {
            assert!(absence(&error(status)).is_none(), "{status}");
        }
        let slow = absence(&ConnectorError::out_of_time()).unwrap();
        assert_eq!((slow.code.as_str(), slow.message.as_str()), ("n8n_down", DOWN), "that is not the platform's fault");
    }

    #[test]
    fn only_a_workflow_that_says_so_has_taken_a_write() {
        let answer = |status, body| RawAnswer { status, body, retry_after: None };
        for body in [json!({"accepted": true}), json!({"ok": true, "version": 3}), json!({"message": STARTED})] {
            assert!(is_taken(&answer(202, body.clone())), "{body}");
            assert!(!is_taken(&answer(500, body)));
        }
        let others = [
            Value::Null,
            json!("n8n is starting up. Please wait"),
            json!({"message": "Workflow was stopped"}),
            json!({"accepted": false}),
            json!({"accepted": "true"}),
        ];
        for body in others {
            assert!(!is_taken(&answer(200, body.clone())), "{body}");
        }
    }

    #[test]
    fn no_integrations_secret_is_the_operators_or_anothers() {
        let (operators, one, other): (SecretString, _, _) =
            ("a secret of thirty-two bytes or more".into(), IntegrationId::new(), IntegrationId::new());
        let secret = |id| own_secret(&operators, id).expose_secret().to_owned();
        assert_eq!((secret(one), secret(one).len()), (secret(one), 64));
        assert_ne!(secret(one), secret(other));
        assert_ne!(own_secret(&"another secret of thirty-two bytes".into(), one).expose_secret(), secret(one));
    }

    #[tokio::test]
    async fn an_address_that_a_tenant_typed_leads_to_public_hosts_only() {
        let there = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let (port, base_url) = (there.local_addr().unwrap().port(), Url::parse("https://n8n.example.com").unwrap());
        let guarded = Reach::PublicOnly { other_ports: vec![port] };
        let secret = SecretString::from("a secret of thirty-two bytes or more");
        let workflows = Workflows::new(base_url, secret, Duration::from_secs(5), guarded).unwrap();
        for host in ["127.0.0.1", "localhost", "[::1]"] {
            let own = Workflow::Own(IntegrationId::new(), Url::parse(&format!("https://{host}:{port}/x")).unwrap());
            let refused = workflows.hand_over(&own, &Value::Null).await.unwrap_err();
            assert_eq!(refused.code, "address_not_public", "{host}");
            assert!(absence(&refused).is_some());
        }
        there.set_nonblocking(true).unwrap();
        assert!(there.accept().is_err(), "nobody may have called");
    }
}
