//! Showing what a tenant has connected, and how it is.

use std::time::Duration;

use actix_web::http::header::ETAG;
use actix_web::{HttpResponse, HttpResponseBuilder, get, web};
use domain::id::{IntegrationId, TenantId};
use domain::integration::Integration;
use domain::schedule;
use persistence::records::links;
use persistence::{Scope, Transaction, health, integrations};
use runtime::http::Problem;

use super::view::{Known, View};
use super::{find, is_connected, platform_of};
use crate::auth::Viewer;
use crate::body::Id;
use crate::page::List;
use crate::state::Gateway;
use crate::version::etag;

/// Lists what the tenant has connected.
#[utoipa::path(tag = "integrations", security(("bearer" = ["viewer", "admin"])),
    responses((status = 200, body = List<View>, description = "The integrations.")))]
#[get("/integrations/configured")]
pub(crate) async fn list_configured(caller: Viewer, gateway: web::Data<Gateway>) -> Result<HttpResponse, Problem> {
    let mut tx = gateway.database.begin(Scope::Tenant(caller.tenant_id)).await?;
    let data = configured(&gateway, &mut tx, caller.tenant_id).await?;
    tx.commit().await?;
    Ok(HttpResponse::Ok().json(List { data }))
}

/// Everything that the tenant has connected, as it is now.
pub(crate) async fn configured(
    gateway: &Gateway,
    tx: &mut Transaction,
    tenant: TenantId,
) -> Result<Vec<View>, Problem> {
    let mut views = Vec::new();
    for integration in integrations::list(tx, tenant).await? {
        views.push(view(gateway, tx, integration).await?);
    }
    Ok(views)
}

/// Shows one integration.
#[utoipa::path(tag = "integrations", security(("bearer" = ["viewer", "admin"])), params(("id" = IntegrationId, Path, description = "Which integration.")),
    responses((status = 200, body = View, description = "The integration.",
        headers(("ETag" = String, description = "The version of its configuration, for `If-Match`.")))))]
#[get("/integrations/{id}")]
pub(crate) async fn show_integration(
    caller: Viewer,
    id: Id<IntegrationId>,
    gateway: web::Data<Gateway>,
) -> Result<HttpResponse, Problem> {
    shown(&gateway, caller.tenant_id, id.0).await.map(|view| tagged(HttpResponse::Ok(), &view))
}

/// An answer that shows an integration, and says which version of its configuration that is.
pub(super) fn tagged(mut answer: HttpResponseBuilder, view: &View) -> HttpResponse {
    answer.insert_header((ETAG, etag(view.version))).json(view)
}

/// An integration as it is now.
pub(crate) async fn shown(gateway: &Gateway, tenant: TenantId, id: IntegrationId) -> Result<View, Problem> {
    let mut tx = gateway.database.begin(Scope::Tenant(tenant)).await?;
    let integration = find(&mut tx, tenant, id).await?;
    let view = view(gateway, &mut tx, integration).await?;
    tx.commit().await?;
    Ok(view)
}

/// An integration with what is known of it.
pub(crate) async fn view(gateway: &Gateway, tx: &mut Transaction, integration: Integration) -> Result<View, Problem> {
    let (tenant, id) = (integration.tenant_id, integration.id);
    // Credentials that do not open are told by a test; they must not hide the integration.
    let hint = gateway.accounts.hint(tx, &integration).await.ok();
    let connected = is_connected(tx, &integration).await?;
    let (health, drift) = (health::get(tx, tenant, id).await?, links::drift_by_kind(tx, tenant, id).await?);
    let known = Known { hint, connected, health, drift, looks: looks(gateway, &integration) };
    Ok(View::of(integration, known))
}

/// How often it is looked for what changed there, and at everything.
fn looks(gateway: &Gateway, integration: &Integration) -> Option<(Duration, Duration)> {
    platform_of(&integration.platform).ok()?.connector().changes()?;
    let (poll, walk) = gateway.looks;
    let every = schedule::period(integration.frequency, poll, false);
    (!every.is_zero()).then_some((every, walk))
}
