//! The integrations of a tenant: connect, see, switch, try, repair. What flows through them is the dispatcher's.

mod catalogue;
mod connect;
mod failures;
mod form;
mod logs;
mod show;
mod switch;
mod trial;
mod view;

use accounts::AccountError;
use connectors::registry::Platform;
use domain::id::{IntegrationId, TenantId};
use domain::integration::Integration;
use domain::kind::RecordKind;
use domain::platform::PlatformSlug;
use persistence::{Transaction, integrations};
use runtime::http::Problem;

pub(crate) use catalogue::list_catalogue;
pub(crate) use connect::create_integration;
pub(crate) use failures::{list_failures, replay_failures};
pub(crate) use logs::list_logs;
pub(crate) use show::{list_configured, show_integration};
pub(crate) use switch::{disable_integration, enable_integration};
pub(crate) use trial::test_integration;

use crate::refusal::Refusal;

/// The tenant's integration of that id. Another tenant's is not found, and neither is Coccinelle's own backend, which is
/// nobody's to configure.
pub(crate) async fn find(tx: &mut Transaction, tenant: TenantId, id: IntegrationId) -> Result<Integration, Problem> {
    let found = integrations::get(tx, tenant, id).await?;
    found.filter(|integration| !integration.is_coccinelle()).ok_or_else(|| Refusal::NotFound.into())
}

/// The kinds that an integration's platform holds.
pub(crate) fn kinds_of(integration: &Integration) -> &'static [RecordKind] {
    Platform::from_slug(&integration.platform).map_or(&[], |platform| platform.connector().descriptor().kinds)
}

/// The platform of an integration; one whose connector is gone cannot be worked with.
fn platform_of(slug: &PlatformSlug) -> Result<Platform, AccountError> {
    Platform::from_slug(slug).ok_or_else(|| AccountError::UnknownPlatform(slug.clone()))
}
