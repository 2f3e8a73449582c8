//! How an integration is shown: what the tenant configured, how it is, how far it is behind. Secrets as a hint only.

use accounts::KeyHint;
use domain::alert::Alerts;
use domain::id::IntegrationId;
use domain::integration::{Delivery, Direction, Frequency, Integration, Status};
use domain::kind::RecordKind;
use domain::platform::PlatformSlug;
use domain::time::Timestamp;
use persistence::health::Health;
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::Duration;
use utoipa::ToSchema;

/// An integration as the API shows it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Integration)]
pub(crate) struct View {
    /// Its id.
    pub(crate) id: IntegrationId,
    /// Just after it was connected by a key, or given another one: the kinds that have no field for Coccinelle's id there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) unkeyed: Vec<RecordKind>,
    /// The name that people know it by.
    #[schema(example = "Mon HubSpot")]
    pub(crate) name: String,
    /// Which platform.
    pub(crate) platform: PlatformSlug,
    /// Whether data flows.
    pub(crate) enabled: bool,
    /// How it is.
    pub(crate) status: Status,
    /// Which way data flows, unless its kind says otherwise.
    pub(crate) direction: Direction,
    /// Kinds of record with a direction of their own.
    #[schema(value_type = BTreeMap<String, Direction>)]
    pub(crate) kind_directions: BTreeMap<RecordKind, Direction>,
    /// What was chosen of the platform's `options`; what is not here is as usual.
    pub(crate) options: BTreeMap<String, String>,
    /// When data flows.
    pub(crate) frequency: Frequency,
    /// So many seconds lie between two looks at what changed there, webhooks apart; `null` where nobody looks.
    #[schema(example = 900)]
    pub(crate) polled_every: Option<u64>,
    /// So many seconds lie, at least, between two looks at everything that is there, compared with what was seen; `null` where
    /// nobody looks.
    #[schema(example = 86_400)]
    pub(crate) walked_every: Option<u64>,
    /// By which road data flows.
    pub(crate) delivery: Delivery,
    /// The address of the tenant's own workflow; `null` where the server's n8n takes the writes.
    pub(crate) workflow_url: Option<String>,
    /// Who hears of its trouble, and of which.
    pub(crate) alerts: Alerts,
    /// Whether an account is connected; before a consent there is none, and once it was disconnected.
    pub(crate) connected: bool,
    /// The platform's id of the account.
    #[schema(example = "4242")]
    pub(crate) account_id: Option<String>,
    /// What the platform called it when it was connected.
    #[schema(example = "Garage Martin")]
    pub(crate) account_name: Option<String>,
    /// The address of the shop or instance, or the name of the tenant's site.
    pub(crate) url: Option<String>,
    /// What may be shown of the credentials.
    pub(crate) credentials: Credentials,
    /// What is known of its condition.
    pub(crate) health: HealthView,
    /// How many records are not in step yet.
    pub(crate) drift: i64,
    /// The same kind by kind; those that are in step are left out.
    #[schema(value_type = BTreeMap<String, i64>)]
    drift_by_kind: BTreeMap<RecordKind, i64>,
    /// Counts the changes of the configuration; the `ETag`.
    pub(crate) version: i64,
    /// When it was connected.
    pub(crate) created_at: Option<Timestamp>,
}

/// What may be shown of credentials.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CredentialsHint)]
pub(crate) struct Credentials {
    /// The last characters of the key, four at most; `null` where there is a grant instead.
    #[schema(example = "…demo")]
    pub(crate) hint: Option<String>,
}

/// The condition of an integration.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = Health)]
pub(crate) struct HealthView {
    /// Why the status is what it is, in a sentence.
    pub(crate) cause: Option<String>,
    /// When the newest attempt ended.
    pub(crate) last_sync_at: Option<Timestamp>,
    /// How the newest attempt ended: `success` or `failed`.
    pub(crate) last_sync_status: Option<String>,
    /// When the newest successful attempt ended.
    pub(crate) last_success_at: Option<Timestamp>,
    /// What the newest failure says.
    pub(crate) last_error: Option<String>,
    /// When the newest failed attempt ended.
    pub(crate) last_error_at: Option<Timestamp>,
    /// How many attempts failed since the last success.
    pub(crate) error_count: i64,
}

/// What is known of an integration besides its configuration.
#[derive(Debug)]
pub(super) struct Known {
    /// What may be shown of its key.
    pub(super) hint: Option<KeyHint>,
    /// Whether an account is connected.
    pub(super) connected: bool,
    /// How it is.
    pub(super) health: Option<Health>,
    /// How many records are not in step yet, kind by kind.
    pub(super) drift: BTreeMap<RecordKind, i64>,
    /// How often it is looked for what changed, and at everything.
    pub(super) looks: Option<(Duration, Duration)>,
}

impl View {
    /// Shows an integration.
    pub(super) fn of(integration: Integration, known: Known) -> Self {
        let said = known.health.as_ref().map_or(Status::Active, |health| health.status);
        Self {
            id: integration.id,
            unkeyed: Vec::new(),
            name: integration.name,
            platform: integration.platform,
            enabled: integration.enabled,
            status: if integration.enabled { said } else { Status::Inactive },
            direction: integration.direction,
            kind_directions: integration.kind_directions,
            options: integration.options,
            frequency: integration.frequency,
            polled_every: known.looks.map(|(poll, _)| poll.as_secs()),
            walked_every: known.looks.map(|(poll, walk)| walk.max(poll).as_secs()),
            delivery: integration.delivery,
            workflow_url: integration.workflow_url,
            alerts: integration.alerts,
            connected: known.connected,
            account_id: integration.account_id,
            account_name: integration.account_name,
            url: integration.url,
            credentials: Credentials { hint: known.hint.map(|hint| hint.0) },
            health: known.health.map(HealthView::from).unwrap_or_default(),
            drift: known.drift.values().sum(),
            drift_by_kind: known.drift,
            version: integration.version,
            created_at: integration.id.made_at(),
        }
    }
}

impl From<Health> for HealthView {
    fn from(health: Health) -> Self {
        Self {
            cause: health.cause,
            last_sync_at: health.last_sync_at,
            last_sync_status: health.last_sync_status,
            last_success_at: health.last_success_at,
            last_error: health.last_error,
            last_error_at: health.last_error_at,
            error_count: health.error_count,
        }
    }
}
