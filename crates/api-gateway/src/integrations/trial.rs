//! Trying a connection: a real call with a time limit, and what its answer means to the tenant.

use std::time::{Duration, Instant};

use actix_web::{HttpResponse, web};
use connectors::account::Account;
use connectors::connector::{Identified, Probe};
use connectors::error::ConnectorError;
use domain::fault::FaultKind;
use domain::id::IntegrationId;
use domain::integration::{Integration, Status};
use persistence::{Scope, health};
use runtime::http::Problem;
use serde_json::{Value, json};

use super::{find, platform_of};
use crate::auth::Admin;
use crate::body::Id;
use crate::state::Gateway;

/// How long a platform may take to answer while somebody is waiting.
const LIMIT: Duration = Duration::from_secs(10);

/// Calls the platform with the stored credentials and says what came of it; the outcome is the answer, so it is a 200.
pub(crate) async fn test_integration(
    caller: Admin,
    id: Id<IntegrationId>,
    gateway: web::Data<Gateway>,
) -> Result<HttpResponse, Problem> {
    let mut tx = gateway.database.begin(Scope::Tenant(caller.tenant_id)).await?;
    let integration = find(&mut tx, caller.tenant_id, id.0).await?;
    tx.commit().await?;
    let account = gateway.accounts.open(&integration).await?;
    let probe = platform_of(&integration.platform)?.connector().probe();
    let started = Instant::now();
    let outcome =
        identify(probe, &account).await.and_then(|found| same_account(found, integration.account_id.as_deref()));
    let duration_ms = started.elapsed().as_millis();
    if integration.enabled {
        note(&gateway, &integration, outcome.as_ref().err()).await?;
    }
    Ok(HttpResponse::Ok().json(match outcome {
        Ok(found) => json!({
            "ok": true, "duration_ms": duration_ms,
            "account": { "id": found.account_id, "name": found.name, "details": found.details },
        }),
        Err(error) => json!({ "ok": false, "duration_ms": duration_ms, "error": told(&error) }),
    }))
}

/// Keeps what a trial says of the connection as a whole; an outage says nothing of it.
async fn note(gateway: &Gateway, integration: &Integration, error: Option<&ConnectorError>) -> Result<(), Problem> {
    let (status, cause) = match error {
        None => (Status::Active, None),
        Some(error) if error.kind == FaultKind::Unauthorized => (Status::ReauthRequired, Some(error.message.as_str())),
        Some(_) => return Ok(()),
    };
    let (tenant, id) = (integration.tenant_id, integration.id);
    let mut tx = gateway.database.begin(Scope::Tenant(tenant)).await?;
    health::set_status(&mut tx, tenant, id, status, cause).await?;
    Ok(tx.commit().await?)
}

/// Asks whose account it is, within the limit.
pub(super) async fn identify(probe: &dyn Probe, account: &Account) -> Result<Identified, ConnectorError> {
    within_limit(probe.test(account)).await
}

/// Runs a call that somebody waits for.
pub(super) async fn within_limit<T>(
    call: impl Future<Output = Result<T, ConnectorError>>,
) -> Result<T, ConnectorError> {
    let slow = || ConnectorError::new(FaultKind::Unavailable, "timeout", "the platform did not answer in time");
    tokio::time::timeout(LIMIT, call).await.unwrap_or_else(|_elapsed| Err(slow()))
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

fn told(error: &ConnectorError) -> Value {
    json!({ "class": error.kind, "code": error.code, "message": error.message, "status": error.status })
}
