//! The settings, section by section, typed. Their meaning and defaults are written in `default.toml`, once.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use domain::retry::RetrySchedule;
use ipnet::IpNet;
use secrecy::SecretString;
use serde::Deserialize;
use url::Url;

use super::address::AddressTemplate;
use super::alerts::AlertSettings;
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

/// The section `[gateway]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GatewaySettings {
    /// Where browsers reach the gateway.
    pub public_url: Url,
    /// Bytes of a request body.
    pub body_limit: usize,
    /// Events in one request.
    pub batch_limit: usize,
    /// Requests of one tenant, or of one address that is nobody's, that are refilled in a second.
    pub requests_per_second: NonZeroU32,
    /// Requests that may come at once.
    pub burst: NonZeroU32,
    /// The same for a tenant's requests to `/events`.
    pub events_requests_per_second: NonZeroU32,
    /// The same for a tenant's requests to `/events`.
    pub events_burst: NonZeroU32,
    /// Origins whose pages may call the API.
    #[serde(deserialize_with = "value::origins")]
    pub allowed_origins: Vec<String>,
    /// Streams of news that a tenant may have open, in each process.
    pub streams_per_tenant: usize,
    /// How long a request may wait for everything that it asks of platforms.
    #[serde(with = "humantime_serde")]
    pub platform_wait: Duration,
    /// The e-mail address to which pages send people who need help.
    pub support_address: String,
}

/// The section `[ingest]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IngestSettings {
    /// Bytes of a delivery.
    pub body_limit: usize,
    /// Refusals logged for each platform and sender in one minute.
    pub refusals_logged_per_minute: u32,
    /// For how long an accepted delivery is remembered.
    #[serde(with = "humantime_serde")]
    pub repeat_window: Duration,
}

/// The section `[dispatcher]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DispatcherSettings {
    /// Messages held at once.
    pub push_prefetch: u16,
    /// Whether a platform is asked for an object before it is created there.
    pub look_before_create: bool,
    /// Whether what a platform shows is compared with what it showed before.
    pub compare_with_seen: bool,
    /// How often owed work is looked for.
    #[serde(with = "humantime_serde")]
    pub reconcile_every: Duration,
    /// How long work may be owed before it is announced again.
    #[serde(with = "humantime_serde")]
    pub owed_for_too_long: Duration,
    /// How long one worker may hold a link.
    #[serde(with = "humantime_serde")]
    pub lease: Duration,
    /// How long a platform may take to answer one request.
    #[serde(with = "humantime_serde")]
    pub platform_timeout: Duration,
    /// So many batches in a row that are not answered open the breaker of an integration.
    pub breaker_failures: u32,
    /// How long what does not answer is left alone at first.
    #[serde(with = "humantime_serde")]
    pub breaker_pause: Duration,
    /// Records in one batch call.
    pub lane_batch: usize,
    /// Batch calls of one integration at once.
    pub lane_parallel: usize,
    /// Messages of back-fills and runs held at once.
    pub bulk_prefetch: u16,
    /// How often integrations that are told of changes at once are polled for those that they were not told of.
    #[serde(with = "humantime_serde")]
    pub poll_every: Duration,
    /// How long a webhook may take to tell of a change before a poll that finds it holds it against the webhook.
    #[serde(with = "humantime_serde")]
    pub webhook_grace: Duration,
    /// How often a scheduled run walks everything.
    #[serde(with = "humantime_serde")]
    pub walk_every: Duration,
}

/// The section `[log_writer]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogWriterSettings {
    /// Rows written together.
    pub batch_rows: usize,
    /// How long a row waits for others.
    #[serde(with = "humantime_serde")]
    pub batch_wait: Duration,
    /// Partitions made ahead.
    pub partitions_ahead_days: u32,
    /// Days that log rows are kept.
    pub retention_days: u32,
    /// The hour, in UTC, in which rows go that a tenant wants kept for less.
    #[serde(deserialize_with = "value::hour")]
    pub retention_hour: u32,
    /// Rows that go in one transaction.
    pub retention_rows: u32,
    /// Days that the audit log is kept; fewer than 365 mean 365.
    pub audit_days: u32,
    /// How often it is looked how far integrations are out of step.
    #[serde(with = "humantime_serde")]
    pub drift_every: Duration,
}

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

/// The section `[crash]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CrashSettings {
    /// Where plans of crashes are; a release build refuses it.
    pub plan_folder: Option<PathBuf>,
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
