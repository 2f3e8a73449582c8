//! Whether data can flow by the road that a tenant asks for: our own connector always, n8n where there is one, a workflow of the
//! tenant's own where its address may be called.

use connectors::connector::Connector;
use connectors::http;
use domain::integration::Delivery;
use url::Url;

use crate::refusal::Refusal;
use crate::state::Gateway;

/// The longest address of a workflow, in bytes.
const URL_LIMIT: usize = 2_000;

/// Refuses n8n where the operator has set none, or the platform lets no workflow call it.
pub(super) fn check(gateway: &Gateway, delivery: Delivery, connector: &dyn Connector) -> Result<(), Refusal> {
    match delivery {
        Delivery::N8n if !gateway.has_n8n() => {
            Err(Refusal::at("delivery", "cannot be `n8n`: this server knows no n8n (the setting `n8n.base_url`)"))
        }
        Delivery::N8n if connector.proxy().is_none() => {
            Err(Refusal::at("delivery", "cannot be `n8n` for this platform; use `direct`"))
        }
        Delivery::N8n | Delivery::Direct => Ok(()),
    }
}

/// Refuses an address that writes may not be sent to. What its name resolves to is checked at every call.
pub(super) fn check_workflow(gateway: &Gateway, url: Option<&str>) -> Result<(), Refusal> {
    let Some(text) = url else { return Ok(()) };
    let is_web = |url: &Url| ["http", "https"].contains(&url.scheme()) && url.has_host();
    let may_be_called = |url: &Url| {
        if gateway.n8n.allow_private_addresses { is_web(url) } else { http::may_be_called(url) }
    };
    let url = Url::parse(text).ok().filter(|url| text.len() <= URL_LIMIT && may_be_called(url));
    url.map(drop).ok_or_else(|| Refusal::at("workflow_url", "must be a public https address without a user"))
}
