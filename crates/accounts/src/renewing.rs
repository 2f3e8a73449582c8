//! A client's second try: an access token that a platform refuses is replaced, once, by whatever is kept by then or by a refresh.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use connectors::http::Renewal;
use connectors::oauth::Grant;
use domain::id::IntegrationId;
use domain::integration::Integration;
use domain::time::Timestamp;
use persistence::Scope;
use secrecy::{ExposeSecret as _, SecretString};

use crate::accounts::Accounts;
use crate::error::AccountError;
use crate::grants::Held;

/// What an account's client asks when its access token was refused.
struct Renewing {
    accounts: Accounts,
    integration: Integration,
    latest: Mutex<Option<SecretString>>,
}

#[async_trait]
impl Renewal for Renewing {
    fn latest(&self) -> Option<SecretString> {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn renew(&self, refused: &SecretString) -> Option<SecretString> {
        match self.accounts.renewed(&self.integration, refused).await {
            Ok(token) => {
                *self.latest.lock().unwrap_or_else(PoisonError::into_inner) = Some(token.clone());
                Some(token)
            }
            Err(error) => {
                tracing::info!(integration.id = %self.integration.id, %error, "a refused access token was not replaced");
                None
            }
        }
    }
}

impl fmt::Debug for Renewing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Renewing").field(&self.integration.id).finish()
    }
}

impl Accounts {
    /// Another access token than the one that was refused.
    async fn renewed(&self, integration: &Integration, refused: &SecretString) -> Result<SecretString, AccountError> {
        let id: IntegrationId = integration.id;
        let mut tx = self.database().begin(Scope::Tenant(integration.tenant_id)).await?;
        let held = self.held(&mut tx, integration).await?.ok_or(AccountError::NoCredentials(id))?;
        tx.commit().await?;
        let is_newer = held.grant.access_token.expose_secret() != refused.expose_secret();
        let held = if is_newer {
            held
        } else {
            let doorway = self.doorway(&integration.platform, integration.url.as_deref())?;
            // What was refused is of no use, however long it should have lived.
            let spent = Held { grant: Grant { expires_at: Some(Timestamp::now()), ..held.grant }, ..held };
            self.refreshed(integration, doorway, spent).await?
        };
        self.forget(integration).await;
        Ok(held.grant.access_token)
    }
}

/// A client that replaces a refused access token of this integration.
pub(crate) fn renewing(accounts: &Accounts, integration: &Integration) -> Arc<dyn Renewal> {
    Arc::new(Renewing { accounts: accounts.clone(), integration: integration.clone(), latest: Mutex::default() })
}
