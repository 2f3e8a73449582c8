//! The addresses and secrets of the webhooks that are told of trouble: sealed together under the tenant's data key. What they
//! are told is `log-writer`'s.

use std::collections::BTreeMap;

use domain::id::TenantId;
use persistence::Transaction;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use crate::accounts::Accounts;
use crate::error::AccountError;

/// The column that they are bound to.
const COLUMN: &str = "alert_webhooks_sealed";

/// What is sealed of one webhook.
#[derive(Clone, Debug)]
pub struct AlertHook {
    /// Where it is told.
    pub url: SecretString,
    /// What it is signed with, where it is.
    pub secret: Option<SecretString>,
}

/// Webhooks by the names that the tenant gave them.
pub type AlertHooks = BTreeMap<String, AlertHook>;

/// As it is sealed, and nowhere else.
#[derive(Deserialize, Serialize)]
struct Clear {
    url: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
}

impl Accounts {
    /// Opens what [`Self::seal_alert_hooks`] sealed.
    ///
    /// # Errors
    /// When the tenant has no data key, or the text was sealed for another tenant.
    pub async fn open_alert_hooks(
        &self,
        tx: &mut Transaction,
        tenant: TenantId,
        sealed: &str,
    ) -> Result<AlertHooks, AccountError> {
        let text = self.open_text(tx, (tenant, COLUMN), sealed).await?;
        let clear: BTreeMap<String, Clear> =
            serde_json::from_str(text.expose_secret()).map_err(AccountError::Unreadable)?;
        let hook = |clear: Clear| AlertHook { url: clear.url.into(), secret: clear.secret.map(SecretString::from) };
        Ok(clear.into_iter().map(|(name, clear)| (name, hook(clear))).collect())
    }

    /// Seals the webhooks of a tenant.
    ///
    /// # Errors
    /// When the tenant has no data key, or the system gives no random bytes.
    pub async fn seal_alert_hooks(
        &self,
        tx: &mut Transaction,
        tenant: TenantId,
        hooks: &AlertHooks,
    ) -> Result<String, AccountError> {
        let exposed = |secret: &SecretString| secret.expose_secret().to_owned();
        let clear = hooks
            .iter()
            .map(|(name, hook)| (name, Clear { url: exposed(&hook.url), secret: hook.secret.as_ref().map(exposed) }));
        let text = serde_json::to_string(&clear.collect::<BTreeMap<_, _>>()).map_err(AccountError::Unreadable)?;
        self.seal_text(tx, (tenant, COLUMN), &text.into()).await
    }
}
