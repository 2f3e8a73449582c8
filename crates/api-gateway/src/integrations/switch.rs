//! Switching an integration on and off.

use actix_web::{HttpResponse, post, web};
use domain::id::IntegrationId;
use persistence::{Scope, integrations};
use runtime::http::Problem;

use super::view::View;
use super::{find, show};
use crate::auth::Admin;
use crate::body::Id;
use crate::state::Gateway;

/// Lets data flow. What has been owed meanwhile is found and sent.
#[utoipa::path(tag = "integrations", security(("bearer" = ["admin"])), params(("id" = IntegrationId, Path, description = "Which integration.")),
    responses((status = 200, body = View, description = "The integration as it is now.")))]
#[post("/integrations/{id}/enable")]
pub(crate) async fn enable_integration(
    caller: Admin,
    id: Id<IntegrationId>,
    gateway: web::Data<Gateway>,
) -> Result<HttpResponse, Problem> {
    switch(&caller, id.0, &gateway, true).await
}

/// Stops the flow, both ways. Nothing that is owed gets lost.
#[utoipa::path(tag = "integrations", security(("bearer" = ["admin"])), params(("id" = IntegrationId, Path, description = "Which integration.")),
    responses((status = 200, body = View, description = "The integration as it is now.")))]
#[post("/integrations/{id}/disable")]
pub(crate) async fn disable_integration(
    caller: Admin,
    id: Id<IntegrationId>,
    gateway: web::Data<Gateway>,
) -> Result<HttpResponse, Problem> {
    switch(&caller, id.0, &gateway, false).await
}

async fn switch(caller: &Admin, id: IntegrationId, gateway: &Gateway, on: bool) -> Result<HttpResponse, Problem> {
    let tenant = caller.tenant_id;
    let mut tx = gateway.database.begin(Scope::Tenant(tenant)).await?;
    find(&mut tx, tenant, id).await?;
    integrations::set_enabled(&mut tx, tenant, id, on).await?;
    tx.commit().await?;
    show::shown(gateway, tenant, id).await.map(|view| HttpResponse::Ok().json(view))
}
