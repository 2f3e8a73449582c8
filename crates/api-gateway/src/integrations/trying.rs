//! Trying a connection: a real call, and what its answer means to the tenant.

use std::time::Instant;

use accounts::AccountError;
use actix_web::{HttpResponse, post, web};
use connectors::account::Account;
use connectors::connector::{Connector, Identified, Prepared};
use connectors::error::ConnectorError;
use domain::audit::{Action, FieldChange};
use domain::fault::FaultKind;
use domain::id::IntegrationId;
use domain::integration::{Integration, Status};
use domain::kind::RecordKind;
use persistence::health;
use runtime::http::Problem;

use super::{Patience, Trial, find, platform_of};
use crate::body::Id;
use crate::change::Change;
use crate::state::Gateway;

/// Calls the platform with the stored credentials and says what came of it; the outcome is the answer, so it is a 200.
#[utoipa::path(tag = "integrations", security(("bearer" = ["admin"])), params(("id" = IntegrationId, Path, description = "Which integration.")),
    responses((status = 200, body = Trial, description = "What came of it, good or bad.")))]
#[post("/integrations/{id}/test")]
pub(crate) async fn test_integration(
    change: Change,
    id: Id<IntegrationId>,
    gateway: web::Data<Gateway>,
) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().json(tried(&gateway, &change, id.0).await?))
}

/// Calls the platform with the stored credentials, and keeps what that says of the connection.
pub(crate) async fn tried(gateway: &Gateway, change: &Change, id: IntegrationId) -> Result<Trial, Problem> {
    let mut tx = change.begin(gateway).await?;
    let integration = find(&mut tx, change.tenant_id, id).await?;
    tx.leave_unchanged().await?;
    let connector = platform_of(&integration.platform)?.connector();
    let (started, patience) = (Instant::now(), Patience::begins(gateway));
    let opened = match patience.open(gateway, &integration).await {
        Ok(account) => Ok(account),
        Err(error) => Err(unopened(error)?),
    };
    let outcome = match &opened {
        Ok(account) => patience.wait(connector.probe().test(account)).await,
        Err(error) => Err(error.clone()),
    };
    let outcome = outcome.and_then(|found| same_account(found, integration.account_id.as_deref()));
    let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    note(gateway, change, &integration, outcome.as_ref().err()).await?;
    let unkeyed = match &opened {
        Ok(account) if outcome.is_ok() => unkeyed(connector, account, patience).await,
        Ok(_) | Err(_) => Vec::new(),
    };
    Ok(Trial::of(outcome, duration_ms, unkeyed))
}

/// The kinds without a field for our key, after one more try to make it; none where the platform does not say.
async fn unkeyed(connector: &dyn Connector, account: &Account, patience: Patience) -> Vec<RecordKind> {
    let Ok(prepared) = patience.wait(connector.probe().prepare(account)).await else { return Vec::new() };
    unkeyed_of(connector, &prepared)
}

/// The kinds without a field for our key in an account that was made ready like that.
pub(crate) fn unkeyed_of(connector: &dyn Connector, prepared: &Prepared) -> Vec<RecordKind> {
    let kinds = connector.descriptor().kinds.iter().copied();
    kinds.filter(|kind| !prepared.keyed.contains(kind)).collect()
}

/// Keeps what a trial says of the connection as a whole; an outage says nothing of it.
async fn note(
    gateway: &Gateway,
    change: &Change,
    integration: &Integration,
    error: Option<&ConnectorError>,
) -> Result<(), Problem> {
    let said = match error {
        None => Some((Status::Active, None)),
        Some(error) if error.kind == FaultKind::Unauthorized => {
            Some((Status::ReauthRequired, Some(error.message.as_str())))
        }
        Some(_) => None,
    };
    let mut tx = change.begin(gateway).await?;
    let mut changed = None;
    if let Some((status, cause)) = said.filter(|_| integration.enabled) {
        health::set_status(&mut tx, integration.tenant_id, integration.id, status, cause).await?;
        changed = Some(FieldChange::named("status"));
    }
    Ok(tx.commit(Action::IntegrationTested, Some(integration.id.to_string()), changed).await?)
}

/// What the platform says of a grant while the account is opened is an answer as well; whatever else keeps it closed is not.
fn unopened(error: AccountError) -> Result<ConnectorError, AccountError> {
    if let AccountError::Platform(error) = error {
        return Ok(*error);
    }
    if let AccountError::GrantEnded(cause) = error {
        return Ok(ConnectorError::new(FaultKind::Unauthorized, "reauth_required", cause));
    }
    Err(error)
}

fn same_account(found: Identified, expected: Option<&str>) -> Result<Identified, ConnectorError> {
    match expected {
        Some(expected) if expected != found.account_id => {
            let message = format!("the credentials open another account: {} ({})", found.name, found.account_id);
            Err(ConnectorError::new(FaultKind::Conflict, "other_account", message))
        }
        Some(_) | None => Ok(found),
    }
}
