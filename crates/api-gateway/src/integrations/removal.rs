//! Disconnecting an account, with or without deleting its integration: the flow stops, the secrets are destroyed, and what is
//! known of the past stays.

use accounts::Farewell;
use actix_web::{HttpResponse, delete, post, web};
use domain::audit::{Action, FieldChange};
use domain::id::IntegrationId;
use persistence::integrations;
use runtime::http::Problem;

use super::view::View;
use super::{Patience, find, is_connected, show};
use crate::body::Id;
use crate::change::Change;
use crate::refusal::Refusal;
use crate::state::Gateway;
use crate::version::IfMatchGiven;

/// Disconnects an account. Its credentials are destroyed and nothing flows any more; its logs stay, and so do the records.
///
/// A grant is given back to the platform, and its calls of us are ended, unless another integration shares the account. The
/// account can be connected again; what is there then is recognised, not made twice.
#[utoipa::path(tag = "integrations", security(("bearer" = ["admin"])),
    params(
        ("id" = IntegrationId, Path, description = "Which integration."),
        ("If-Match" = Option<String>, Header, description = "The `ETag` of the configuration that was seen; any without it.", example = "\"7\""),
    ),
    responses(
        (status = 204, description = "It is disconnected."),
        (status = 412, description = "`version_mismatch`: it was changed since; read it again."),
    ))]
#[delete("/integrations/{id}")]
pub(crate) async fn remove_integration(
    change: Change,
    id: Id<IntegrationId>,
    seen: IfMatchGiven,
    gateway: web::Data<Gateway>,
) -> Result<HttpResponse, Problem> {
    removed(&gateway, &change, id.0, seen.0).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Disconnects an account, where its configuration is still of the version that was seen, if one was.
pub(crate) async fn removed(
    gateway: &Gateway,
    change: &Change,
    id: IntegrationId,
    seen: Option<i64>,
) -> Result<(), Problem> {
    let tenant = change.tenant_id;
    let mut tx = change.begin(gateway).await?;
    let integration = find(&mut tx, tenant, id).await?;
    tx.leave_unchanged().await?;
    let departure = gateway.accounts.farewell(&integration, &gateway.public_url).await?;
    let mut tx = change.begin(gateway).await?;
    let farewell = departure.settle(&mut tx).await?;
    if !integrations::delete(&mut tx, tenant, id, seen).await? {
        return Err(Problem::version_mismatch());
    }
    let told = [FieldChange::told("enabled", integration.enabled, false), Some(FieldChange::named("credentials"))];
    tx.commit(Action::IntegrationDeleted, Some(id.to_string()), told.into_iter().flatten()).await?;
    tracing::info!(tenant.id = %tenant, integration.id = %id, platform = %integration.platform, "an account was disconnected");
    say(gateway, id, farewell).await;
    Ok(())
}

/// Disconnects an account and keeps its integration. Its credentials are destroyed, and the platform stops calling us.
///
/// Mappings, links and logs stay, and so does whose account it was: that one is connected again by a consent or a key, and goes
/// on where it was.
#[utoipa::path(tag = "integrations", security(("bearer" = ["admin"])), params(("id" = IntegrationId, Path, description = "Which integration.")),
    responses(
        (status = 200, body = View, description = "The integration as it is now.",
            headers(("ETag" = String, description = "The version of its configuration, for `If-Match`."))),
        (status = 409, description = "`not_connected`: no account is connected."),
    ))]
#[post("/integrations/{id}/disconnect")]
pub(crate) async fn disconnect_integration(
    change: Change,
    id: Id<IntegrationId>,
    gateway: web::Data<Gateway>,
) -> Result<HttpResponse, Problem> {
    disconnected(&gateway, &change, id.0).await.map(|view| show::tagged(HttpResponse::Ok(), &view))
}

/// Disconnects an account and keeps its integration.
pub(crate) async fn disconnected(gateway: &Gateway, change: &Change, id: IntegrationId) -> Result<View, Problem> {
    let tenant = change.tenant_id;
    let mut tx = change.begin(gateway).await?;
    let integration = find(&mut tx, tenant, id).await?;
    let is_connected = is_connected(&mut tx, &integration).await?;
    tx.leave_unchanged().await?;
    if !is_connected {
        return Err(Refusal::NotConnected.into());
    }
    // While the credentials are there.
    let departure = gateway.accounts.farewell(&integration, &gateway.public_url).await?;
    let mut tx = change.begin(gateway).await?;
    let farewell = departure.settle(&mut tx).await?;
    if !integrations::disconnect(&mut tx, tenant, id).await? {
        tx.leave_unchanged().await?;
        return Err(Refusal::NotFound.into());
    }
    let told = [FieldChange::told("enabled", integration.enabled, false), Some(FieldChange::named("credentials"))];
    tx.commit(Action::IntegrationDisconnected, Some(id.to_string()), told.into_iter().flatten()).await?;
    tracing::info!(tenant.id = %tenant, integration.id = %id, platform = %integration.platform, "an account was disconnected and kept");
    say(gateway, id, farewell).await;
    show::shown(gateway, tenant, id).await
}

/// Tells the platform. Whoever asked waits for it a little; it goes on without them.
async fn say(gateway: &Gateway, id: IntegrationId, farewell: Farewell) {
    let told = actix_web::rt::spawn(farewell.say());
    if Patience::begins(gateway).until(told).await.is_none() {
        tracing::warn!(integration.id = %id, "a platform takes its time over being disconnected");
    }
}
