//! Switching an integration on and off.

use actix_web::{HttpResponse, post, web};
use domain::audit::{Action, FieldChange};
use domain::id::IntegrationId;
use persistence::integrations;
use runtime::http::Problem;

use super::view::View;
use super::{find, is_connected, show};
use crate::body::Id;
use crate::change::Change;
use crate::refusal::Refusal;
use crate::state::Gateway;

/// Lets data flow. What has been owed meanwhile is found and sent.
#[utoipa::path(tag = "integrations", security(("bearer" = ["admin"])), params(("id" = IntegrationId, Path, description = "Which integration.")),
    responses(
        (status = 200, body = View, description = "The integration as it is now.",
            headers(("ETag" = String, description = "The version of its configuration, for `If-Match`."))),
        (status = 409, description = "`not_connected`: no account is connected."),
    ))]
#[post("/integrations/{id}/enable")]
pub(crate) async fn enable_integration(
    change: Change,
    id: Id<IntegrationId>,
    gateway: web::Data<Gateway>,
) -> Result<HttpResponse, Problem> {
    switch(&change, id.0, &gateway, true).await.map(|view| show::tagged(HttpResponse::Ok(), &view))
}

/// Stops the flow, both ways. Nothing that is owed gets lost.
#[utoipa::path(tag = "integrations", security(("bearer" = ["admin"])), params(("id" = IntegrationId, Path, description = "Which integration.")),
    responses((status = 200, body = View, description = "The integration as it is now.",
        headers(("ETag" = String, description = "The version of its configuration, for `If-Match`.")))))]
#[post("/integrations/{id}/disable")]
pub(crate) async fn disable_integration(
    change: Change,
    id: Id<IntegrationId>,
    gateway: web::Data<Gateway>,
) -> Result<HttpResponse, Problem> {
    switch(&change, id.0, &gateway, false).await.map(|view| show::tagged(HttpResponse::Ok(), &view))
}

/// Switches an integration on or off.
pub(crate) async fn switch(change: &Change, id: IntegrationId, gateway: &Gateway, on: bool) -> Result<View, Problem> {
    let tenant = change.tenant_id;
    let mut tx = change.begin(gateway).await?;
    let integration = find(&mut tx, tenant, id).await?;
    if on && !is_connected(&mut tx, &integration).await? {
        return Err(Refusal::NotConnected.into());
    }
    let before = integration.enabled;
    integrations::set_enabled(&mut tx, tenant, id, on).await?;
    let action = if on { Action::IntegrationEnabled } else { Action::IntegrationDisabled };
    tx.commit(action, Some(id.to_string()), FieldChange::told("enabled", before, on)).await?;
    show::shown(gateway, tenant, id).await
}
