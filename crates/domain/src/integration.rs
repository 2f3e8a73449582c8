//! What a tenant configures: direction, frequency, delivery, status. Secrets are `credentials`'.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::alert::Alerts;
use crate::id::{IntegrationId, TenantId};
use crate::kind::RecordKind;
use crate::platform::PlatformSlug;

/// Which way data flows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Both ways.
    Bidirectional,
    /// From Coccinelle to the platform.
    ToPlatform,
    /// From the platform to Coccinelle.
    FromPlatform,
}

impl Direction {
    /// Whether Coccinelle may write to the platform.
    #[must_use]
    pub fn writes(self) -> bool {
        matches!(self, Self::Bidirectional | Self::ToPlatform)
    }

    /// What both allow; `None` where that is nothing.
    #[must_use]
    pub fn within(self, other: Self) -> Option<Self> {
        match (self.writes() && other.writes(), self.reads() && other.reads()) {
            (true, true) => Some(Self::Bidirectional),
            (true, false) => Some(Self::ToPlatform),
            (false, true) => Some(Self::FromPlatform),
            (false, false) => None,
        }
    }

    /// Whether what the platform shows is taken.
    #[must_use]
    pub fn reads(self) -> bool {
        matches!(self, Self::Bidirectional | Self::FromPlatform)
    }
}

/// When data flows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Frequency {
    /// At once.
    Realtime,
    /// Once an hour.
    Hourly,
    /// Once a day.
    Daily,
}

/// By which road data reaches the platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Delivery {
    /// By our own connector.
    Direct,
    /// By a workflow in n8n.
    N8n,
}

/// How an integration is, in the words that tenants know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Switched on and working.
    Active,
    /// Switched off.
    Inactive,
    /// The last attempts failed.
    Error,
    /// The platform no longer accepts the credentials.
    ReauthRequired,
    /// The platform is away for everybody.
    PlatformDown,
}

/// One connection of a tenant to one platform account, without its secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Integration {
    /// Its id.
    pub id: IntegrationId,
    /// Whose it is.
    pub tenant_id: TenantId,
    /// Which platform.
    pub platform: PlatformSlug,
    /// The name that the tenant gave it.
    pub name: String,
    /// Whether data flows.
    pub enabled: bool,
    /// Which way, unless a kind says otherwise.
    pub direction: Direction,
    /// Kinds with a direction of their own.
    pub kind_directions: BTreeMap<RecordKind, Direction>,
    /// What was chosen of the choices that the platform's connector offers; what is not here is as it begins.
    pub options: BTreeMap<String, String>,
    /// When.
    pub frequency: Frequency,
    /// By which road.
    pub delivery: Delivery,
    /// The platform's id of the connected account; known once a test has succeeded.
    pub account_id: Option<String>,
    /// What the platform called that account when it was connected.
    pub account_name: Option<String>,
    /// The address of a shop or instance, where the platform needs one.
    pub url: Option<String>,
    /// The address of the tenant's own workflow, where it has one: it takes the writes instead of the operator's.
    pub workflow_url: Option<String>,
    /// Who hears of its trouble, and of which.
    pub alerts: Alerts,
    /// Counts the changes of the configuration; its `ETag`.
    pub version: i64,
}

impl Integration {
    /// Which way a kind flows: products and orders come from the platform unless the tenant switched that kind on.
    #[must_use]
    pub fn direction_of(&self, kind: RecordKind) -> Direction {
        if let Some(direction) = self.kind_directions.get(&kind) {
            return *direction;
        }
        match kind {
            RecordKind::Contact | RecordKind::Deal | RecordKind::Activity => self.direction,
            RecordKind::Product | RecordKind::Order => Direction::FromPlatform,
        }
    }

    /// Whether this is Coccinelle's own backend.
    #[must_use]
    pub fn is_coccinelle(&self) -> bool {
        self.platform.as_str() == PlatformSlug::COCCINELLE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_11_orders_and_products_come_from_the_platform_until_their_kind_is_switched_on() {
        let mut shop = Integration {
            id: IntegrationId::new(),
            tenant_id: TenantId::new(),
            platform: PlatformSlug::COCCINELLE.parse().unwrap(),
            name: "Boutique".to_owned(),
            enabled: true,
            direction: Direction::Bidirectional,
            kind_directions: BTreeMap::new(),
            options: BTreeMap::new(),
            frequency: Frequency::Realtime,
            delivery: Delivery::Direct,
            account_id: None,
            account_name: None,
            url: None,
            workflow_url: None,
            alerts: Alerts::default(),
            version: 1,
        };
        let writes = |shop: &Integration| RecordKind::ALL.map(|kind| shop.direction_of(kind).writes());
        let taken: Vec<_> = RecordKind::ALL.into_iter().filter(|kind| !shop.direction_of(*kind).writes()).collect();
        assert_eq!(taken, [RecordKind::Product, RecordKind::Order]);
        assert!(RecordKind::ALL.into_iter().all(|kind| shop.direction_of(kind).reads()));

        shop.kind_directions.insert(RecordKind::Order, Direction::Bidirectional);
        shop.kind_directions.insert(RecordKind::Contact, Direction::FromPlatform);
        assert!(shop.direction_of(RecordKind::Order).writes());
        assert!(!shop.direction_of(RecordKind::Contact).writes());
        shop.kind_directions.clear();
        shop.direction = Direction::FromPlatform;
        assert_eq!(writes(&shop), [false; 5]);
    }
}
