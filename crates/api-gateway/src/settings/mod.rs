//! What a tenant sets for itself. What follows from it is done by those whom it concerns.

mod form;
mod trial;
mod view;
mod webhooks;

use actix_web::{HttpResponse, get, put, web};
use domain::audit::{Action, FieldChange};
use domain::id::TenantId;
use domain::identity::{self, Region};
use domain::policy::ConflictPolicy;
use persistence::settings::Settings;
use persistence::{Scope, Transaction, policies, settings, tenants};
use runtime::http::Problem;

use self::form::Wish;
pub(crate) use self::trial::{tried, try_alerts};
pub(crate) use self::view::View;
use crate::auth::Viewer;
use crate::body::Json;
use crate::change::Change;
use crate::state::Gateway;
use crate::version::IfMatch;

/// Shows the tenant's settings.
#[utoipa::path(tag = "settings", security(("bearer" = ["viewer", "admin"])),
    responses((status = 200, body = View, description = "The settings.",
        headers(("ETag" = String, description = "Their version, for `If-Match`.")))))]
#[get("/settings")]
pub(crate) async fn show_settings(caller: Viewer, gateway: web::Data<Gateway>) -> Result<HttpResponse, Problem> {
    let mut tx = gateway.database.begin(Scope::Tenant(caller.tenant_id)).await?;
    let view = shown(&mut tx, caller.tenant_id).await?;
    tx.commit().await?;
    Ok(view.into_response())
}

/// What the tenant has set.
pub(crate) async fn shown(tx: &mut Transaction, tenant: TenantId) -> Result<View, Problem> {
    let settings = settings::get(tx, tenant).await?;
    Ok(View::of(settings, of_tenant(tx, tenant).await?))
}

/// What stands with the tenant itself.
async fn of_tenant(tx: &mut Transaction, tenant: TenantId) -> Result<(ConflictPolicy, Region), Problem> {
    let region = tenants::region(tx, tenant).await?.unwrap_or(identity::HOME);
    Ok((policies::get(tx, tenant).await?, region))
}

/// Replaces the tenant's settings, all of them.
#[utoipa::path(tag = "settings", security(("bearer" = ["admin"])), request_body = Wish,
    params(("If-Match" = String, Header, description = "The `ETag` of the settings that are to be replaced.")),
    responses(
        (status = 200, body = View, description = "The settings as they are now.",
            headers(("ETag" = String, description = "Their version, for `If-Match`."))),
        (status = 412, description = "`version_mismatch`: they were changed since; read them again."),
        (status = 428, description = "`precondition_required`: `If-Match` is missing."),
    ))]
#[put("/settings")]
pub(crate) async fn replace_settings(
    change: Change,
    seen: IfMatch,
    gateway: web::Data<Gateway>,
    wish: Json<Wish>,
) -> Result<HttpResponse, Problem> {
    Ok(replaced(&gateway, &change, seen.0, wish.0).await?.into_response())
}

/// Sets what the tenant wishes, where it is still of the version that was seen.
pub(crate) async fn replaced(gateway: &Gateway, change: &Change, seen: i64, wish: Wish) -> Result<View, Problem> {
    let tenant = change.tenant_id;
    wish.check(gateway.retention_days)?;
    let mut tx = change.begin(gateway).await?;
    let before = settings::get(&mut tx, tenant).await?;
    if before.version != seen {
        return Err(Problem::version_mismatch());
    }
    let (policy, region) = of_tenant(&mut tx, tenant).await?;
    let webhooks = webhooks::kept(gateway, &mut tx, tenant, (&wish.alert_webhooks, &before)).await?;
    let wished = wish.region;
    let (told, conflict_policy, after) = wish.applied(&before, (&policy, region), webhooks);
    if !settings::replace(&mut tx, tenant, &after).await.map_err(crate::sessions::unknown_tenant)? {
        return Err(Problem::version_mismatch());
    }
    policies::set(&mut tx, tenant, &conflict_policy).await?;
    tenants::set_region(&mut tx, tenant, wished).await?;
    tx.commit(Action::SettingsUpdated, None, told).await?;
    let after = Settings { version: seen + 1, ..after };
    Ok(View::of(after, (conflict_policy, wished)))
}

/// A field whose values are not told, where they differ.
fn differs<T: PartialEq>(field: &str, before: &T, after: &T) -> Option<FieldChange> {
    (before != after).then(|| FieldChange::named(field))
}
