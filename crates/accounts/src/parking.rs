//! Parking an integration whose platform refuses its credentials: nothing is tried, and everything stays owed, until it is connected
//! again. What ends a grant by itself is `refresh`'s.

use domain::fault::FaultKind;
use domain::id::{IntegrationId, TenantId};
use domain::integration::Status;
use persistence::{PersistenceError, Transaction, health};

/// Parks an integration where an error of its platform says that the credentials are refused; whether it does.
///
/// It says so of every record alike, whosever call it was. Where another token was to be had, that one was refused as well.
///
/// # Errors
/// When the database does not answer.
pub async fn park_if_refused(
    tx: &mut Transaction,
    (tenant, id): (TenantId, IntegrationId),
    (class, message): (FaultKind, &str),
) -> Result<bool, PersistenceError> {
    if class != FaultKind::Unauthorized {
        return Ok(false);
    }
    health::set_status(tx, tenant, id, Status::ReauthRequired, Some(message)).await?;
    tracing::warn!(integration.id = %id, "the platform refuses the credentials; the integration is parked");
    Ok(true)
}
