//! Whether data can flow by the road that a tenant asks for: our own connector always, n8n where there is one.

use connectors::connector::Connector;
use domain::integration::Delivery;

use crate::refusal::Refusal;
use crate::state::Gateway;

/// Refuses n8n where the operator has set none, or the platform lets no workflow call it.
pub(super) fn check(gateway: &Gateway, delivery: Delivery, connector: &dyn Connector) -> Result<(), Refusal> {
    match delivery {
        Delivery::N8n if !gateway.has_n8n => {
            Err(Refusal::at("delivery", "cannot be `n8n`: this server knows no n8n (the setting `n8n.base_url`)"))
        }
        Delivery::N8n if connector.proxy().is_none() => {
            Err(Refusal::at("delivery", "cannot be `n8n` for this platform; use `direct`"))
        }
        Delivery::N8n | Delivery::Direct => Ok(()),
    }
}
