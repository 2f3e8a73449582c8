//! A write in a workflow's hands, as a call of the platform needs it: opened only while it is under way, and for its own calls.

use std::ops::RangeInclusive;

use connectors::account::Account;
use connectors::connector::Connector;
use connectors::error::ConnectorError;
use connectors::proxy::{Effect, Forward, Proxy};
use connectors::registry::Platform;
use domain::field::RemoteFields;
use domain::integration::{Delivery, Integration};
use domain::time::Timestamp;
use domain::workflow::Pass;
use persistence::records::links;
use persistence::{Scope, integrations};
use runtime::http::Problem;

use crate::refusal::Refusal;
use crate::state::Gateway;

/// Everything that a call needs.
pub(super) struct Errand {
    pub(super) pass: Pass,
    pub(super) integration: Integration,
    pub(super) connector: &'static dyn Connector,
    pub(super) proxy: &'static dyn Proxy,
    pub(super) account: Account,
    /// The platform's id of the object, where there is one already.
    pub(super) own: Option<String>,
    /// From when on, until now, it may have been created.
    pub(super) tried: Option<RangeInclusive<Timestamp>>,
    /// What it was to be created with, where it may have been.
    pub(super) intended: Option<RemoteFields>,
}

/// Whether this call may be made now: the errand is still under way, and its action needs such a call.
pub(super) async fn admit(gateway: &Gateway, pass: Pass, call: &Forward) -> Result<(Errand, Effect), Problem> {
    let mut tx = gateway.database.begin(Scope::Tenant(pass.tenant_id)).await?;
    let integration = integrations::get(&mut tx, pass.tenant_id, pass.integration_id).await?;
    let link = links::commissioned(&mut tx, (pass.tenant_id, pass.integration_id, pass.link_id)).await?;
    tx.commit().await?;
    let integration = integration.ok_or(Refusal::NotFound)?;
    let link = link.ok_or(Refusal::ErrandOver)?;
    let tried = link.intent.as_ref().map(|intent| intent.at..=link.at);
    let intended = link.intent.map(|intent| intent.fields);
    let current = link.errand.filter(|errand| errand.event_id == pass.event_id && !errand.reported);
    // By the clock by which the dispatcher takes it for ended, and not only by ours: from then on it may give the write to another.
    let lasts = link.at <= pass.expires_at;
    let is_open = lasts && integration.enabled && integration.delivery == Delivery::N8n;
    let current = current.filter(|_| is_open).ok_or(Refusal::ErrandOver)?;
    // An object that was only just found is on its link once the worker has given that back, and in the errand before.
    let own = current.external_id.or(link.external_id);
    let connector = Platform::from_slug(&integration.platform).ok_or(Refusal::CallNotAllowed)?.connector();
    let proxy = connector.proxy().ok_or(Refusal::CallNotAllowed)?;
    // What an action may call depends on what the tenant has chosen of the platform's options.
    let account = gateway.accounts.open(&integration).await?;
    let admitted = proxy.admit(&account, pass.action, call, own.as_deref());
    let effect = admitted.ok_or(Refusal::CallNotAllowed)?;
    Ok((Errand { pass, integration, connector, proxy, account, own, tried, intended }, effect))
}

/// Parks the integration where an error says that the platform refuses its credentials, as a write of ours would; whether it does.
pub(super) async fn park_if_refused(
    gateway: &Gateway,
    errand: &Errand,
    error: &ConnectorError,
) -> Result<bool, Problem> {
    let whose @ (tenant, _) = (errand.pass.tenant_id, errand.pass.integration_id);
    let mut tx = gateway.database.begin(Scope::Tenant(tenant)).await?;
    let is_parked = accounts::park_if_refused(&mut tx, whose, (error.kind, &error.message)).await?;
    tx.commit().await?;
    Ok(is_parked)
}

/// What it means to a workflow that the platform gave no answer, or refused what we asked it first.
pub(super) async fn unanswered(gateway: &Gateway, errand: &Errand, error: &ConnectorError) -> Problem {
    let name = errand.connector.descriptor().name;
    tracing::warn!(integration.id = %errand.integration.id, error.code = error.code, "a workflow's call was not answered");
    if let Err(problem) = park_if_refused(gateway, errand, error).await {
        return problem;
    }
    match error.retry_after {
        Some(wait) if error.is_budget_spent() => Refusal::BudgetSpent(wait).into(),
        Some(_) | None => Refusal::PlatformSilent(name).into(),
    }
}
