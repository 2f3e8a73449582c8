//! The integrations of a tenant: connect, see, switch, try, repair. What flows through them is the dispatcher's.

mod amending;
mod attempt;
mod calling;
mod catalogue;
mod connect;
mod deliveries;
mod edit;
mod failures;
mod form;
mod logs;
mod patience;
mod removal;
mod replay;
mod road;
mod rotation;
mod show;
mod subscription;
mod switch;
mod trial;
mod trying;
mod view;
mod webhook;
mod workflow;

use accounts::AccountError;
use connectors::registry::Platform;
use domain::id::{IntegrationId, TenantId};
use domain::integration::Integration;
use domain::kind::RecordKind;
use domain::message::Message;
use domain::platform::PlatformSlug;
use domain::trace::TraceParent;
use messaging::Context;
use persistence::{Transaction, integrations};
use runtime::http::Problem;

pub(crate) use calling::see_that_it_calls;
pub(crate) use catalogue::list_catalogue;
pub(crate) use connect::{connected, create_integration};
pub(crate) use deliveries::{list_deliveries, show_delivery};
pub(crate) use edit::{edit_integration, edited};
pub(crate) use failures::{list_failures, show_failures};
pub(crate) use logs::{Attempt, Trail, Wanted as WantedLogs, attempt, list_logs, listed as listed_logs, show_log};
pub(crate) use patience::Patience;
pub(crate) use removal::{disconnect_integration, disconnected, remove_integration, removed};
pub(crate) use replay::{Wish as Replay, replay_failures, replayed};
pub(crate) use rotation::{Rotated, rotate_webhook_secret, rotated};
pub(crate) use show::{configured, list_configured, show_integration, view};
pub(crate) use subscription::{State as SubscriptionState, Subscription};
pub(crate) use switch::{disable_integration, enable_integration, switch};
pub(crate) use trial::Trial;
pub(crate) use trying::{test_integration, tried, unkeyed_of};
pub(crate) use view::View;
pub(crate) use webhook::{View as WebhookView, show_webhook, webhook};
pub(crate) use workflow::{Secret as WorkflowSecret, tell_workflow_secret, workflow_secret};

use crate::refusal::Refusal;
use crate::state::Gateway;

/// The tenant's integration of that id. Another tenant's is not found, and neither is Coccinelle's own backend, which is
/// nobody's to configure.
pub(crate) async fn find(tx: &mut Transaction, tenant: TenantId, id: IntegrationId) -> Result<Integration, Problem> {
    let found = integrations::get(tx, tenant, id).await?;
    found.filter(|integration| !integration.is_coccinelle()).ok_or_else(|| Refusal::NotFound.into())
}

/// Whether an account is connected: it is known whose, and something is there that opens it.
pub(crate) async fn is_connected(tx: &mut Transaction, integration: &Integration) -> Result<bool, Problem> {
    let (tenant, id) = (integration.tenant_id, integration.id);
    Ok(integration.account_id.is_some() && integrations::has_credentials(tx, tenant, id).await?)
}

/// The kinds that an integration's platform holds.
pub(crate) fn kinds_of(integration: &Integration) -> &'static [RecordKind] {
    Platform::from_slug(&integration.platform).map_or(&[], |platform| platform.connector().descriptor().kinds)
}

/// What people call the platform of an integration.
pub(crate) fn name_of(slug: &PlatformSlug) -> &'static str {
    Platform::from_slug(slug).map_or("?", |platform| platform.connector().descriptor().name)
}

/// The platform of an integration; one whose connector is gone cannot be worked with.
pub(crate) fn platform_of(slug: &PlatformSlug) -> Result<Platform, AccountError> {
    Platform::from_slug(slug).ok_or_else(|| AccountError::UnknownPlatform(slug.clone()))
}

/// Says on the broker what is owed now: links to be looked at, records to be given values. What it does not take is announced by
/// the reconciler.
pub(crate) async fn announce<M: Message>(gateway: &Gateway, owed: Vec<M>, trace: TraceParent) {
    let messages: Vec<_> = owed.into_iter().map(|message| (message, Context::continuing(trace))).collect();
    let unannounced = gateway.broker.publish_all(&messages).await.iter().filter(|outcome| outcome.is_err()).count();
    if unannounced > 0 {
        tracing::warn!(unannounced, "owed work is left to the reconciler");
    }
}
