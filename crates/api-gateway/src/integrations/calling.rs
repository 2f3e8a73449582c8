//! Seeing to it that a platform calls us, behind whoever waits for something else. How that is done is `accounts`'.

use accounts::{AccountError, Accounts};
use domain::id::{IntegrationId, TenantId};
use persistence::{Database, Scope, integrations};
use url::Url;

use super::Patience;
use crate::state::Gateway;

/// Makes the platform call us, where it has to be told account by account. It is no part of the answer, so it goes on without
/// whoever loses patience; what does not succeed now, the daily check tries again.
pub(crate) async fn see_that_it_calls(gateway: &Gateway, whose: (TenantId, IntegrationId), patience: Patience) {
    let (database, accounts) = (gateway.database.clone(), gateway.accounts.clone());
    let (public_url, id) = (gateway.public_url.clone(), whose.1);
    let seen_to = actix_web::rt::spawn(async move {
        if let Err(error) = subscribe(&database, &accounts, &public_url, whose).await {
            tracing::warn!(integration.id = %id, %error, "the platform was not asked to call us");
        }
    });
    if patience.until(seen_to).await.is_none() {
        tracing::info!(integration.id = %id, "a platform takes its time over being asked to call us");
    }
}

async fn subscribe(
    database: &Database,
    accounts: &Accounts,
    public_url: &Url,
    (tenant, id): (TenantId, IntegrationId),
) -> Result<(), AccountError> {
    let mut tx = database.begin(Scope::Tenant(tenant)).await?;
    let integration = integrations::get(&mut tx, tenant, id).await?;
    tx.commit().await?;
    match integration.filter(|integration| integration.account_id.is_some()) {
        Some(integration) => accounts.subscribe(&integration, public_url).await,
        None => Ok(()),
    }
}
