//! The settings, section by section, typed, and the sections of every service. Meaning and defaults are `default.toml`'s.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use domain::retry::RetrySchedule;
use ipnet::IpNet;
use secrecy::SecretString;
use serde::Deserialize;
use url::Url;

use super::alerts::AlertSettings;
use super::neighbours::{BackendSettings, N8nSettings, PlatformSettings};
use super::services::{DispatcherSettings, GatewaySettings, IngestSettings, LogWriterSettings};
use super::value;
use crate::telemetry::TelemetrySettings;

/// Everything that can be set.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// How the service logs.
    pub telemetry: TelemetrySettings,
    /// PostgreSQL.
    pub database: DatabaseSettings,
    /// RabbitMQ.
    pub broker: BrokerSettings,
    /// The listener of this service.
    pub http: HttpSettings,
    /// Bearer tokens.
    pub auth: AuthSettings,
    /// The master keys.
    pub vault: VaultSettings,
    /// How platforms reach us.
    pub webhooks: WebhookSettings,
    /// `api-gateway` alone.
    pub gateway: GatewaySettings,
    /// `webhook-ingest` alone.
    pub ingest: IngestSettings,
    /// `sync-dispatcher` alone.
    pub dispatcher: DispatcherSettings,
    /// `log-writer` alone.
    pub log_writer: LogWriterSettings,
    /// Who is told of trouble, by `log-writer`.
    pub alerts: AlertSettings,
    /// The workflows in n8n.
    pub n8n: N8nSettings,
    /// Crashes on purpose.
    pub crash: CrashSettings,
    /// What Coccinelle's backend is told.
    pub backend: BackendSettings,
    /// By the platform's slug.
    pub platforms: BTreeMap<String, PlatformSettings>,
}

/// The section `[database]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseSettings {
    /// A `postgres://` address; secret, since it may hold a password.
    pub url: SecretString,
    /// Connections at most.
    pub pool_size: u32,
    /// How long to wait for one.
    #[serde(with = "humantime_serde")]
    pub connect_timeout: Duration,
    /// For the role `coccinelle_gateway`, set by `admin migrate`.
    pub gateway_password: Option<SecretString>,
    /// For the role `coccinelle_worker`, set by `admin migrate`.
    pub worker_password: Option<SecretString>,
}

/// The section `[broker]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BrokerSettings {
    /// An `amqp://` or `amqps://` address; secret, since it holds a password.
    pub url: SecretString,
    /// How long to wait for a confirm.
    #[serde(with = "humantime_serde")]
    pub confirm_timeout: Duration,
    /// The waits between attempts.
    #[serde(deserialize_with = "value::retry_schedule")]
    pub retry_schedule: RetrySchedule,
}

/// The section `[http]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpSettings {
    /// Address and port; port 0 takes a free one.
    pub listen: SocketAddr,
    /// How long it goes on answering after SIGTERM, no longer ready.
    #[serde(with = "humantime_serde")]
    pub drain: Duration,
    /// How long requests under way may take once the service stops.
    #[serde(with = "humantime_serde")]
    pub shutdown_timeout: Duration,
    /// How long the head of a request may take to arrive.
    #[serde(with = "humantime_serde")]
    pub request_timeout: Duration,
    /// How long the body of a request may take to arrive.
    #[serde(with = "humantime_serde")]
    pub body_timeout: Duration,
    /// How long a connection may idle.
    #[serde(with = "humantime_serde")]
    pub keep_alive: Duration,
    /// How long a caller may take to let go of a closed connection.
    #[serde(with = "humantime_serde")]
    pub disconnect_timeout: Duration,
    /// How long a caller may leave what is sent to it unread.
    #[serde(with = "humantime_serde")]
    pub reading_timeout: Duration,
    /// Bytes of a path with its query.
    pub url_limit: usize,
    /// Whose `X-Forwarded-For` is believed.
    #[serde(deserialize_with = "value::networks")]
    pub trusted_proxies: Vec<IpNet>,
    /// Whether callers come by HTTPS.
    pub behind_tls: bool,
}

/// The section `[auth]`. At most one of `hs256_secret` and `jwks_url` is set.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthSettings {
    /// The HS256 key, at least 32 bytes.
    #[serde(default, deserialize_with = "value::signing_key")]
    pub hs256_secret: Option<SecretString>,
    /// Where an issuer shows its public keys.
    pub jwks_url: Option<Url>,
    /// What a token's `iss` must be.
    pub issuer: Option<String>,
    /// What a token's `aud` must contain.
    pub audience: Option<String>,
    /// How long a session lives at most.
    #[serde(with = "humantime_serde")]
    pub session_life: Duration,
    /// Whether a session's cookie travels by HTTPS only.
    pub secure_cookies: bool,
}

/// The section `[vault]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VaultSettings {
    /// The file of master keys.
    pub key_ring_file: PathBuf,
}

/// The section `[webhooks]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookSettings {
    /// Scheme, host, port and path prefix under which platforms call us.
    pub public_url: Url,
}

/// The section `[crash]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CrashSettings {
    /// Where plans of crashes are; a release build refuses it.
    pub plan_folder: Option<PathBuf>,
}
