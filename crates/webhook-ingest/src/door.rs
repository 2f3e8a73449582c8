//! Who is let in: from the bytes of a request to a verified delivery. No I/O, so strangers' bytes meet pure code only.

use std::collections::BTreeMap;

use connectors::registry::Platform;
use connectors::webhook::{Receipt, Rejection, SecretSource, WebhookFormat, WebhookRequest};
use domain::id::{IntegrationId, WebhookLogId};
use domain::message::WebhookApply;
use domain::platform::PlatformSlug;
use domain::time::Timestamp;
use runtime::config::Settings;
use secrecy::{ExposeSecret, SecretString};

#[cfg(test)]
mod tests;

/// What it takes to tell a platform's delivery from anybody else's.
#[derive(Debug)]
pub(crate) struct Door {
    /// Scheme, host, port and path prefix under which platforms call us, without a slash at the end.
    public_url: String,
    /// The secrets of our apps, by platform.
    secrets: BTreeMap<String, Vec<SecretString>>,
}

/// Which of our addresses was called. That there is one means that the platform is known.
#[derive(Clone, Debug)]
pub(crate) struct Address {
    pub(crate) platform: PlatformSlug,
    pub(crate) integration_id: Option<IntegrationId>,
    connector: Platform,
}

/// A request for one of our addresses, as it came in.
#[derive(Debug)]
pub(crate) struct Incoming<'a> {
    /// In capitals.
    pub(crate) method: &'a str,
    /// Path and query, as received.
    pub(crate) target: &'a str,
    /// Names in lower case.
    pub(crate) headers: &'a [(String, String)],
    pub(crate) body: &'a [u8],
    pub(crate) received_at: Timestamp,
}

/// A delivery that its platform has signed.
#[derive(Debug)]
pub(crate) struct Admitted {
    pub(crate) message: WebhookApply,
    /// The same for an exact repetition, where the platform lets us tell.
    pub(crate) delivery_id: Option<String>,
}

/// Why a request is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Its platform did not sign it, or not like this, or not now.
    Unverified(Rejection),
    /// Verified, and yet not of any form that could be read.
    Malformed,
    /// No integration has that address, or none that is signed for.
    UnknownAddress,
    /// We cannot tell, since we do not have the key at hand. Never a pass.
    KeyUnavailable,
}

impl Refusal {
    /// The stable code in logs and figures.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Unverified(rejection) => rejection.code(),
            Self::Malformed => "malformed",
            Self::UnknownAddress => "unknown_address",
            Self::KeyUnavailable => "key_unavailable",
        }
    }
}

impl Address {
    /// The address that these path segments name; `None` where we have none such.
    pub(crate) fn parse(platform: &str, integration: Option<&str>) -> Option<Self> {
        let platform: PlatformSlug = platform.parse().ok()?;
        let connector = Platform::from_slug(&platform)?;
        let integration_id = integration.map(str::parse).transpose().ok()?;
        Some(Self { platform, integration_id, connector })
    }

    /// Under whose secret what comes here is signed.
    pub(crate) fn signed_by(&self) -> SecretSource {
        self.format().secret()
    }

    /// Whether this is no delivery but the platform's greeting to the address: it is answered, and nothing else.
    pub(crate) fn is_greeted_by(&self, incoming: &Incoming<'_>) -> bool {
        let request = WebhookRequest {
            method: incoming.method,
            public_uri: incoming.target,
            headers: incoming.headers,
            body: incoming.body,
            received_at: incoming.received_at,
        };
        self.format().is_greeting(&request)
    }

    /// What the platform wants to hear of a delivery that was taken.
    pub(crate) fn receipt(&self) -> Option<Receipt> {
        self.format().receipt()
    }

    fn format(&self) -> &'static dyn WebhookFormat {
        self.connector.connector().webhooks()
    }
}

impl Door {
    /// The door that these settings describe.
    pub(crate) fn new(settings: &Settings) -> Self {
        let public_url = settings.webhooks.public_url.as_str().trim_end_matches('/').to_owned();
        let secrets = |(slug, platform): (&String, &runtime::config::PlatformSettings)| {
            let both = [&platform.client_secret, &platform.client_secret_before];
            (slug.clone(), both.into_iter().flatten().cloned().collect())
        };
        Self { public_url, secrets: settings.platforms.iter().map(secrets).collect() }
    }

    /// The secrets of our app there, of which one signs its deliveries: for a while after it was replaced, the one before.
    pub(crate) fn app_secrets(&self, address: &Address) -> impl Iterator<Item = &SecretString> {
        self.secrets.get(address.platform.as_str()).into_iter().flatten()
    }

    /// Lets in what the platform has signed with one of these secrets, and what can be read at all.
    ///
    /// # Errors
    /// Why it stays outside.
    pub(crate) fn admit<'a>(
        &self,
        address: &Address,
        incoming: &Incoming<'_>,
        secrets: impl Iterator<Item = &'a SecretString>,
    ) -> Result<Admitted, Refusal> {
        let format = address.format();
        self.verify(format, incoming, secrets)?;
        let body = std::str::from_utf8(incoming.body).map_err(|_not_text| Refusal::Malformed)?;
        if !format.is_readable(incoming.headers, body) {
            return Err(Refusal::Malformed);
        }
        let kept = format.kept_headers();
        let headers = incoming.headers.iter().filter(|(name, _)| kept.contains(&name.as_str())).cloned().collect();
        let message = WebhookApply {
            delivery: WebhookLogId::new(),
            platform: address.platform.clone(),
            integration_id: address.integration_id,
            received_at: incoming.received_at,
            headers,
            body: format.kept_body(body).into_owned(),
        };
        Ok(Admitted { message, delivery_id: format.delivery_id(incoming.headers, incoming.body) })
    }

    /// Whether one of the secrets has signed this; where none has, what speaks against the first of them.
    fn verify<'a>(
        &self,
        format: &dyn WebhookFormat,
        incoming: &Incoming<'_>,
        secrets: impl Iterator<Item = &'a SecretString>,
    ) -> Result<(), Refusal> {
        // From the configured address, never from `Host`: that one is the caller's to choose.
        let public_uri = format!("{}{}", self.public_url, incoming.target);
        let request = WebhookRequest {
            method: incoming.method,
            public_uri: &public_uri,
            headers: incoming.headers,
            body: incoming.body,
            received_at: incoming.received_at,
        };
        let mut refusal = None;
        for secret in secrets.filter(|secret| !secret.expose_secret().is_empty()) {
            match format.verify(&request, secret) {
                Ok(()) => return Ok(()),
                Err(rejection) => refusal = refusal.or(Some(refused(rejection))),
            }
        }
        Err(refusal.unwrap_or(Refusal::KeyUnavailable))
    }
}

fn refused(rejection: Rejection) -> Refusal {
    match rejection {
        Rejection::NoSecret => Refusal::KeyUnavailable,
        Rejection::Unsigned | Rejection::Undated | Rejection::OutsideWindow | Rejection::WrongSignature => {
            Refusal::Unverified(rejection)
        }
    }
}
