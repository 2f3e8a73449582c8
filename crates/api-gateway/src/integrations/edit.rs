//! Changing what is configured: only over what the caller has seen, and with new credentials only once they were tried.

use actix_web::{HttpResponse, put, web};
use connectors::connector::Connector;
use domain::audit::{Action, FieldChange};
use domain::id::IntegrationId;
use domain::integration::{Integration, Status};
use persistence::integrations::{self, Configuration};
use persistence::records::links::{self, Selection};
use persistence::{Scope, health};
use runtime::http::Problem;
use serde_json::json;

use super::attempt::{Attempt, tried};
use super::connect::taken_meanwhile;
use super::{Patience, announce, find, form::Edit, platform_of, road, see_that_it_calls, show, view::View};
use crate::body::{Id, Json};
use crate::change::Change;
use crate::refusal::Refusal;
use crate::state::Gateway;
use crate::version::IfMatch;

const FIXED: &str = "is fixed once records are in step: connect the account anew with another choice";

/// Changes an integration; what is left out stays as it is. New credentials are tried by a real call before they are saved.
#[utoipa::path(tag = "integrations", security(("bearer" = ["admin"])), request_body = Edit,
    params(
        ("id" = IntegrationId, Path, description = "Which integration."),
        ("If-Match" = String, Header, description = "The `ETag` of the configuration that is to be replaced.", example = "\"7\""),
    ),
    responses(
        (status = 200, body = View, description = "The integration as it is now.",
            headers(("ETag" = String, description = "The version of its configuration, for `If-Match`."))),
        (status = 409, description = "`other_account`: the credentials open another account than the one \
            that is connected. `account_taken`: the tenant has connected this account already."),
        (status = 412, description = "`version_mismatch`: it was changed since; read it again."),
        (status = 428, description = "`precondition_required`: `If-Match` is missing."),
        (status = 503, description = "`platform_unavailable`: the platform does not answer; nothing was saved."),
    ))]
#[put("/integrations/{id}")]
pub(crate) async fn edit_integration(
    change: Change,
    id: Id<IntegrationId>,
    seen: IfMatch,
    gateway: web::Data<Gateway>,
    edit: Json<Edit>,
) -> Result<HttpResponse, Problem> {
    let view = edited(&gateway, &change, (id.0, seen.0), edit.0).await?;
    Ok(show::tagged(HttpResponse::Ok(), &view))
}

/// Configures an integration otherwise, where it is still of the version that was seen.
pub(crate) async fn edited(
    gateway: &Gateway,
    change: &Change,
    (id, seen): (IntegrationId, i64),
    edit: Edit,
) -> Result<View, Problem> {
    let mut tx = change.begin(gateway).await?;
    let before = find(&mut tx, change.tenant_id, id).await?;
    tx.leave_unchanged().await?;
    if before.version != seen {
        return Err(Problem::version_mismatch());
    }
    let connector = platform_of(&before.platform)?.connector();
    edit.check(&before, connector)?;
    let mut after = edit.applied_to(&before);
    check_fixed(gateway, connector, (&before, &after)).await?;
    if after.delivery != before.delivery {
        road::check(gateway, after.delivery, connector)?;
    }
    if after.workflow_url != before.workflow_url {
        road::check_workflow(gateway, after.workflow_url.as_deref())?;
    }
    let (patience, mut unkeyed) = (Patience::begins(gateway), Vec::new());
    if let Some(credentials) = edit.credentials() {
        let (platform, url) = (&before.platform, edit.url.as_deref().or(before.url.as_deref()));
        let attempt = Attempt { platform, credentials, url, expected: before.account_id.as_deref() };
        let (found, lacking) = tried(gateway, attempt, connector, patience).await?;
        (after.account_id, after.account_name) = (Some(found.account_id), Some(found.name));
        unkeyed = lacking;
    }
    save(gateway, change, &edit, (&before, &after)).await?;
    if edit.credentials().is_some() {
        // Of an account that was disconnected, nobody calls us any more.
        see_that_it_calls(gateway, (change.tenant_id, id), patience).await;
    }
    let mut view = show::shown(gateway, change.tenant_id, id).await?;
    view.unkeyed = unkeyed;
    Ok(view)
}

/// Refuses another choice where objects are there that it would not mean.
async fn check_fixed(
    gateway: &Gateway,
    connector: &dyn Connector,
    (before, after): (&Integration, &Integration),
) -> Result<(), Problem> {
    for option in connector.options() {
        let chosen = |integration: &Integration| {
            let usual = || option.choices.first().map(|choice| choice.value.to_owned());
            integration.options.get(option.name).cloned().or_else(usual)
        };
        let Some(kind) = option.fixed_by.filter(|_| chosen(before) != chosen(after)) else { continue };
        let mut tx = gateway.database.begin(Scope::Tenant(before.tenant_id)).await?;
        let holds = links::holds(&mut tx, (before.tenant_id, before.id), kind).await?;
        tx.commit().await?;
        if holds {
            return Err(Refusal::at(&format!("options.{}", option.name), FIXED).into());
        }
    }
    Ok(())
}

/// Saves the change where nobody was faster. Credentials that were just accepted let go what the old ones held up.
async fn save(
    gateway: &Gateway,
    change: &Change,
    edit: &Edit,
    (before, after): (&Integration, &Integration),
) -> Result<(), Problem> {
    let (tenant, id) = (change.tenant_id, after.id);
    let mut tx = change.begin(gateway).await?;
    let mut sealed = None;
    if let Some(credentials) = edit.credentials() {
        sealed = Some(gateway.accounts.seal(&mut tx, (tenant, id), &credentials).await?.into());
    }
    let is_reconnected = sealed.is_some();
    let new = Configuration { integration: after.clone(), sealed };
    if !integrations::configure(&mut tx, &new).await.map_err(taken_meanwhile)? {
        return Err(Problem::version_mismatch());
    }
    let mut freed = Vec::new();
    if is_reconnected && after.enabled {
        health::set_status(&mut tx, tenant, id, Status::Active, None).await?;
        freed = links::replay(&mut tx, (tenant, id), &Selection::default()).await?;
    }
    let told = told(before, after).chain(is_reconnected.then(|| FieldChange::named("credentials")));
    tx.commit(Action::IntegrationUpdated, Some(id.to_string()), told).await?;
    announce(gateway, freed, change.trace).await;
    Ok(())
}

/// What changed, for the audit log. An address may hold a key, or be a person's, so it is only named.
fn told(before: &Integration, after: &Integration) -> impl Iterator<Item = FieldChange> {
    let fields = [
        FieldChange::told("name", before.name.as_str(), after.name.as_str()),
        FieldChange::told("direction", json!(before.direction), json!(after.direction)),
        FieldChange::told("kind_directions", json!(before.kind_directions), json!(after.kind_directions)),
        FieldChange::told("options", json!(before.options), json!(after.options)),
        FieldChange::told("frequency", json!(before.frequency), json!(after.frequency)),
        FieldChange::told("delivery", json!(before.delivery), json!(after.delivery)),
        (before.url != after.url).then(|| FieldChange::named("url")),
        (before.alerts != after.alerts).then(|| FieldChange::named("alerts")),
        (before.workflow_url != after.workflow_url).then(|| FieldChange::named("workflow_url")),
    ];
    fields.into_iter().flatten()
}
