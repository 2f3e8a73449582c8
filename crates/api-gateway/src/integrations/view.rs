//! How an integration is shown: what the tenant configured, how it is, how far it is behind. Secrets as a hint only.

use accounts::KeyHint;
use domain::id::IntegrationId;
use domain::integration::{Delivery, Direction, Frequency, Integration, Status};
use domain::kind::RecordKind;
use domain::platform::PlatformSlug;
use domain::time::Timestamp;
use persistence::health::Health;
use serde::Serialize;
use std::collections::BTreeMap;

/// An integration as the API shows it.
#[derive(Debug, Serialize)]
pub(super) struct View {
    id: IntegrationId,
    name: String,
    platform: PlatformSlug,
    enabled: bool,
    status: Status,
    direction: Direction,
    kind_directions: BTreeMap<RecordKind, Direction>,
    frequency: Frequency,
    delivery: Delivery,
    account_id: Option<String>,
    url: Option<String>,
    credentials: Credentials,
    health: HealthView,
    /// How many records are not in step yet.
    drift: i64,
    version: i64,
    created_at: Option<Timestamp>,
}

#[derive(Debug, Serialize)]
struct Credentials {
    hint: Option<String>,
}

#[derive(Debug, Default, Serialize)]
struct HealthView {
    cause: Option<String>,
    last_sync_at: Option<Timestamp>,
    last_sync_status: Option<String>,
    last_success_at: Option<Timestamp>,
    last_error: Option<String>,
    last_error_at: Option<Timestamp>,
    error_count: i64,
}

/// What is known of an integration besides its configuration.
#[derive(Debug)]
pub(super) struct Known {
    /// What may be shown of its key.
    pub(super) hint: Option<KeyHint>,
    /// How it is.
    pub(super) health: Option<Health>,
    /// How many records are not in step yet.
    pub(super) drift: i64,
}

impl View {
    /// Shows an integration.
    pub(super) fn of(integration: Integration, known: Known) -> Self {
        let said = known.health.as_ref().map_or(Status::Active, |health| health.status);
        Self {
            id: integration.id,
            name: integration.name,
            platform: integration.platform,
            enabled: integration.enabled,
            status: if integration.enabled { said } else { Status::Inactive },
            direction: integration.direction,
            kind_directions: integration.kind_directions,
            frequency: integration.frequency,
            delivery: integration.delivery,
            account_id: integration.account_id,
            url: integration.url,
            credentials: Credentials { hint: known.hint.map(|hint| hint.0) },
            health: known.health.map(HealthView::from).unwrap_or_default(),
            drift: known.drift,
            version: integration.version,
            created_at: made_at(integration.id),
        }
    }
}

/// When an id was made: the first 48 bits of a UUID of version 7 are that time in milliseconds (RFC 9562, section 5.7).
fn made_at(id: IntegrationId) -> Option<Timestamp> {
    i64::try_from(id.uuid().as_u128() >> 80).ok().and_then(Timestamp::from_millis)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_knows_when_it_was_made() {
        let before = Timestamp::now().as_millis();
        let made = made_at(IntegrationId::new()).unwrap().as_millis();
        assert!((before..=Timestamp::now().as_millis()).contains(&made));
    }
}
