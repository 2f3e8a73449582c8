//! The sections of those whom we call: n8n, Coccinelle's backend and the platforms.

use std::time::Duration;

use secrecy::SecretString;
use serde::Deserialize;
use url::Url;

use super::address::AddressTemplate;
use super::value;

/// The section `[n8n]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct N8nSettings {
    /// Where n8n answers; without it, nothing is delivered by workflows.
    pub base_url: Option<Url>,
    /// Signs what n8n is sent.
    #[serde(default, deserialize_with = "value::signing_key")]
    pub signing_secret: Option<SecretString>,
    /// Where n8n reaches the gateway.
    pub callback_base_url: Url,
    /// Whether tenants' own workflows may be on private addresses.
    pub allow_private_addresses: bool,
    /// How long n8n may take to accept one write.
    #[serde(with = "humantime_serde")]
    pub timeout: Duration,
    /// How long a workflow may take to make and report one write.
    #[serde(with = "humantime_serde")]
    pub errand_life: Duration,
    /// How long nothing is sent to a workflow that did not take the last write.
    #[serde(with = "humantime_serde")]
    pub pause: Duration,
    /// Writes handed over at once.
    pub parallel: usize,
}

/// The section `[backend]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackendSettings {
    /// Where the backend is told things; without it, it is told nothing.
    pub url: Option<Url>,
    /// What webhooks are signed with.
    #[serde(deserialize_with = "value::secrets")]
    pub secrets: Vec<SecretString>,
    /// How long the backend may take to answer.
    #[serde(with = "humantime_serde")]
    pub timeout: Duration,
    /// Webhooks under way at once.
    pub parallel: usize,
    /// How long nothing is sent to a backend that is away.
    #[serde(with = "humantime_serde")]
    pub pause: Duration,
}

/// One of the sections `[platforms.*]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlatformSettings {
    /// Where its API answers.
    pub base_url: AddressTemplate,
    /// Where its consent page is, if not there.
    pub authorize_url: Option<AddressTemplate>,
    /// Where its tokens are made, if not there.
    pub token_url: Option<AddressTemplate>,
    /// The id of Coccinelle's app there.
    pub client_id: Option<String>,
    /// The secret of Coccinelle's app there; also signs its webhooks.
    pub client_secret: Option<SecretString>,
    /// The secret that it took the place of, where webhooks may still be signed with that.
    pub client_secret_before: Option<SecretString>,
    /// The number by which the platform knows Coccinelle's app, where its webhooks are subscribed by the developer's key.
    pub app_id: Option<String>,
    /// The key of the developer's account to which the app belongs.
    pub developer_key: Option<SecretString>,
    /// Whether a refresh token of our app is good for one use, where that is not as the connector knows it.
    pub single_use_refresh: Option<bool>,
    /// Whether private addresses may be called.
    #[serde(default)]
    pub allow_private_addresses: bool,
    /// The ports that may be called besides 443 at an address that a tenant typed.
    #[serde(default, deserialize_with = "value::ports")]
    pub allowed_ports: Vec<u16>,
}
