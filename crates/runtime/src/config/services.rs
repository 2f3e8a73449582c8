//! The sections that one service alone reads: `[gateway]`, `[ingest]`, `[dispatcher]` and `[log_writer]`.

use std::num::NonZeroU32;
use std::time::Duration;

use serde::Deserialize;
use url::Url;

use super::value;

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
    /// Bytes that the deliveries of all connections take together; four times `body_limit` at least.
    pub bodies_limit: usize,
    /// Refusals logged for each platform and sender in one minute.
    pub refusals_logged_per_minute: u32,
    /// For how long an accepted delivery is remembered, as far as there is room.
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
