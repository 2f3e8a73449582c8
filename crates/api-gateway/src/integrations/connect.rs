//! Connecting an account: nothing is saved before the platform itself has accepted the credentials.

use actix_web::http::header::LOCATION;
use actix_web::{HttpResponse, post, web};
use connectors::connector::{Connector, Identified};
use domain::audit::{Action, FieldChange};
use domain::fault::{Fault as _, FaultKind};
use domain::id::IntegrationId;
use domain::integration::Integration;
use persistence::integrations::NewIntegration;
use persistence::{PersistenceError, integrations, mappings};
use runtime::http::Problem;

use super::attempt::{Attempt, tried};
use super::{Patience, form::Wish, road, see_that_it_calls, show, view::View};
use crate::body::Json;
use crate::change::Change;
use crate::refusal::Refusal;
use crate::sessions::unknown_tenant;
use crate::state::Gateway;

/// Connects an account after a real call with its credentials. It is switched off until somebody enables it.
///
/// Without credentials, where the platform is connected by OAuth, it waits for a consent (`connected` is `false`).
#[utoipa::path(tag = "integrations", security(("bearer" = ["admin"])), request_body = Wish, responses(
    (status = 201, body = View, description = "Connected; `Location` says where it is.",
        headers(("Location" = String, description = "The path of the new integration."),
            ("ETag" = String, description = "The version of its configuration, for `If-Match`."))),
    (status = 409, description = "`account_taken`: the tenant has connected this account already."),
    (status = 503, description = "`platform_unavailable`: the platform does not answer; nothing was saved."),
))]
#[post("/integrations")]
pub(crate) async fn create_integration(
    change: Change,
    gateway: web::Data<Gateway>,
    wish: Json<Wish>,
) -> Result<HttpResponse, Problem> {
    let view = connected(&gateway, &change, wish.0).await?;
    let mut answer = HttpResponse::Created();
    answer.insert_header((LOCATION, format!("/api/v1/integrations/{}", view.id)));
    Ok(show::tagged(answer, &view))
}

/// Connects an account, where the platform accepts its credentials.
pub(crate) async fn connected(gateway: &Gateway, change: &Change, wish: Wish) -> Result<View, Problem> {
    let connector = wish.checked()?;
    road::check(gateway, wish.delivery, connector)?;
    road::check_workflow(gateway, wish.own_workflow().as_deref())?;
    let patience = Patience::begins(gateway);
    let (found, unkeyed) = match wish.credentials() {
        Some(credentials) => {
            let url = wish.url.as_deref();
            let attempt = Attempt { platform: &wish.platform, credentials, url, expected: None };
            let (found, unkeyed) = tried(gateway, attempt, connector, patience).await?;
            (Some(found), unkeyed)
        }
        None => (None, Vec::new()),
    };
    let id = save(gateway, change, &wish, connector, found).await?;
    see_that_it_calls(gateway, (change.tenant_id, id), patience).await;
    let mut view = show::shown(gateway, change.tenant_id, id).await?;
    view.unkeyed = unkeyed;
    Ok(view)
}

/// Saves the integration with its sealed credentials and the connector's default mappings, all or nothing.
async fn save(
    gateway: &Gateway,
    change: &Change,
    wish: &Wish,
    connector: &dyn Connector,
    found: Option<Identified>,
) -> Result<IntegrationId, Problem> {
    let (tenant_id, id) = (change.tenant_id, IntegrationId::new());
    let mut tx = change.begin(gateway).await?;
    let (account_id, account_name) = found.map(|found| (found.account_id, found.name)).unzip();
    let others = integrations::list(&mut tx, tenant_id).await?;
    let taken = others
        .into_iter()
        .find(|other| account_id.is_some() && other.platform == wish.platform && other.account_id == account_id);
    if let Some(other) = taken {
        return Err(Refusal::AccountTaken { name: other.name, id: other.id }.into());
    }
    let sealed = match wish.credentials() {
        Some(credentials) => Some(gateway.accounts.seal(&mut tx, (tenant_id, id), &credentials).await?.into()),
        None => None,
    };
    let integration = Integration {
        id,
        tenant_id,
        platform: wish.platform.clone(),
        name: wish.name.trim().to_owned(),
        enabled: false,
        direction: wish.direction,
        kind_directions: connector.descriptor().default_directions(),
        options: wish.options.clone(),
        frequency: wish.frequency,
        delivery: wish.delivery,
        account_id,
        account_name,
        url: wish.address(),
        workflow_url: wish.own_workflow(),
        alerts: domain::alert::Alerts::default(),
        version: 1,
    };
    let new = NewIntegration { integration, sealed };
    integrations::create(&mut tx, &new).await.map_err(taken_meanwhile)?;
    for kind in connector.descriptor().kinds {
        mappings::replace(&mut tx, (tenant_id, id), *kind, &connector.default_mapping(*kind).fields).await?;
    }
    let told = [
        FieldChange::told("name", None::<String>, wish.name.trim()),
        FieldChange::told("platform", None::<String>, wish.platform.as_str()),
        wish.credentials().map(|_| FieldChange::named("credentials")),
    ];
    tx.commit(Action::IntegrationCreated, Some(id.to_string()), told.into_iter().flatten()).await?;
    tracing::info!(tenant.id = %tenant_id, integration.id = %id, platform = %wish.platform, "an account was connected");
    Ok(id)
}

/// Somebody else connected the account, and was faster by a moment.
pub(super) fn taken_meanwhile(error: PersistenceError) -> Problem {
    if error.kind() == FaultKind::Conflict {
        Problem::new(FaultKind::Conflict, "account_taken", "This account is connected already.")
    } else {
        unknown_tenant(error)
    }
}
