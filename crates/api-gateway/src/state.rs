//! What every handler may use. What it does with it is the handler's.

use std::time::Duration;

use accounts::Accounts;
use messaging::Broker;
use persistence::Database;
use runtime::config::{GatewaySettings, N8nSettings};
use url::Url;

use crate::events::Intake;
use crate::mappings::Descriptions;

/// The parts of the system that the gateway talks to, and its limits.
#[derive(Debug)]
pub(crate) struct Gateway {
    /// Where announced work goes.
    pub(crate) broker: Broker,
    /// Where configuration is kept.
    pub(crate) database: Database,
    /// Where accepted events are kept.
    pub(crate) intake: Intake,
    /// What opens and seals the accounts of platforms.
    pub(crate) accounts: Accounts,
    /// What accounts said of their fields.
    pub(crate) descriptions: Descriptions,
    /// How long a platform may take to answer one request.
    pub(crate) platform_timeout: Duration,
    /// How often the dispatcher looks for what realtime integrations were not told of, and at everything.
    pub(crate) looks: (Duration, Duration),
    /// What workflows in n8n are told of, and by what signature they know us.
    pub(crate) n8n: N8nSettings,
    /// Under which address platforms reach us.
    pub(crate) public_url: Url,
    /// How much one request may carry.
    pub(crate) limits: GatewaySettings,
    /// How long a browser's session lives at most.
    pub(crate) session_life: Duration,
    /// For how many days logs are kept at most.
    pub(crate) retention_days: u32,
}

impl Gateway {
    /// Whether there is an n8n to deliver by.
    pub(crate) fn has_n8n(&self) -> bool {
        self.n8n.base_url.is_some()
    }
}
