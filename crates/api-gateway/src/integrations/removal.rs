//! Disconnecting an account: the flow stops, the secrets are destroyed, and what is known of the past stays.

use actix_web::{HttpResponse, delete, web};
use domain::audit::{Action, FieldChange};
use domain::id::IntegrationId;
use persistence::integrations;
use runtime::http::Problem;

use super::{Patience, find};
use crate::body::Id;
use crate::change::Change;
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
    // Whoever asked waits for it a little; it goes on without them.
    let told = actix_web::rt::spawn(farewell.say());
    if Patience::begins(gateway).until(told).await.is_none() {
        tracing::warn!(integration.id = %id, "a platform takes its time over being disconnected");
    }
    Ok(())
}
