//! What is kept of credentials and of other secrets, and what they are when it is read: sealed under the tenant's data key, bound
//! to the place where it is kept. Calling somebody with them is `accounts`'.

use domain::credentials::Credentials;
use domain::id::{IntegrationId, TenantId};
use domain::integration::Integration;
use persistence::{Transaction, data_keys, integrations};
use secrecy::{ExposeSecret as _, SecretString};
use vault::{DataKey, Purpose, Sealed, SealedDataKey, Vault, VaultError};

use crate::accounts::Accounts;
use crate::{error::AccountError, grants};

/// The column that the sealed credentials are bound to.
const COLUMN: &str = "config_encrypted";

/// By what an integration is let in: a key that its tenant typed, or a grant.
pub(crate) enum Held {
    Key(Credentials),
    Grant(grants::Held),
}

/// What may be shown of a key: enough to tell two apart, too little to use one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyHint(pub String);

impl KeyHint {
    /// What may be shown of this one.
    #[must_use]
    pub fn of(key: &SecretString) -> Self {
        let shown: Vec<char> = key.expose_secret().chars().rev().take(4).collect();
        // Of a short key, four characters would be too much of it.
        let is_long = key.expose_secret().chars().count() >= 16;
        let tail: String = if is_long { shown.into_iter().rev().collect() } else { String::new() };
        Self(format!("••••{tail}"))
    }
}

impl Accounts {
    /// The sealed form of credentials, bound to the tenant and the integration: what is kept of them.
    ///
    /// # Errors
    /// When the tenant has no data key, or it does not open.
    pub async fn seal(
        &self,
        tx: &mut Transaction,
        (tenant, integration): (TenantId, IntegrationId),
        credentials: &Credentials,
    ) -> Result<Sealed, AccountError> {
        let keys = data_keys::for_sealing(tx, tenant).await?;
        let key = open_data_key(self.vault(), tenant, keys)?;
        let text = credentials.to_clear_text().map_err(AccountError::Unreadable)?;
        Ok(key.seal(&purpose(tenant, integration), &text)?)
    }

    /// The sealed form of a secret that is the tenant's as a whole, bound to the column that keeps it.
    ///
    /// # Errors
    /// As [`Self::seal`].
    pub async fn seal_text(
        &self,
        tx: &mut Transaction,
        (tenant, column): (TenantId, &'static str),
        text: &SecretString,
    ) -> Result<String, AccountError> {
        let keys = data_keys::for_sealing(tx, tenant).await?;
        let key = open_data_key(self.vault(), tenant, keys)?;
        Ok(key.seal(&Purpose { tenant, integration: None, column }, text)?.into())
    }

    /// Opens what [`Self::seal_text`] sealed.
    ///
    /// # Errors
    /// When the tenant has no data key, or the text was sealed for another tenant or column.
    pub async fn open_text(
        &self,
        tx: &mut Transaction,
        (tenant, column): (TenantId, &'static str),
        sealed: &str,
    ) -> Result<SecretString, AccountError> {
        let key = open_data_key(self.vault(), tenant, data_keys::get(tx, tenant).await?)?;
        Ok(key.open(&Purpose { tenant, integration: None, column }, &Sealed::from(sealed.to_owned()))?)
    }

    /// What may be shown of an integration's credentials.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub async fn hint(&self, tx: &mut Transaction, integration: &Integration) -> Result<KeyHint, AccountError> {
        match self.credentials(tx, integration).await? {
            Held::Key(Credentials::ApiKey { key, .. }) => Ok(KeyHint::of(&key)),
            // An access token is replaced many times a day: its end tells nobody anything.
            Held::Key(Credentials::Bearer { .. }) | Held::Grant(_) => Err(AccountError::NoCredentials(integration.id)),
        }
    }

    /// What lets an integration in, opened.
    pub(crate) async fn credentials(
        &self,
        tx: &mut Transaction,
        integration: &Integration,
    ) -> Result<Held, AccountError> {
        let text = match self.open_sealed(tx, integration).await {
            // The data key was changed between the two questions; asked again, both answers are of one key.
            Err(AccountError::Vault(VaultError::UnknownKey(_))) => self.open_sealed(tx, integration).await?,
            Err(AccountError::NoCredentials(id)) => {
                let held = self.held(tx, integration).await?;
                return held.map(Held::Grant).ok_or(AccountError::NoCredentials(id));
            }
            opened => opened?,
        };
        Credentials::from_clear_text(&text).map(Held::Key).map_err(AccountError::Unreadable)
    }

    async fn open_sealed(&self, tx: &mut Transaction, integration: &Integration) -> Result<SecretString, AccountError> {
        let (tenant, id) = (integration.tenant_id, integration.id);
        let sealed = integrations::sealed_credentials(tx, tenant, id).await?;
        let sealed = sealed.ok_or(AccountError::NoCredentials(id))?;
        let key = open_data_key(self.vault(), tenant, data_keys::get(tx, tenant).await?)?;
        Ok(key.open(&purpose(tenant, id), &Sealed::from(sealed))?)
    }

    pub(crate) fn data_key(
        &self,
        tenant: TenantId,
        keys: Option<data_keys::DataKeys>,
    ) -> Result<DataKey, AccountError> {
        open_data_key(self.vault(), tenant, keys)
    }
}

/// Opens a tenant's data keys.
pub(crate) fn open_data_key(
    vault: &Vault,
    tenant: TenantId,
    keys: Option<data_keys::DataKeys>,
) -> Result<DataKey, AccountError> {
    let keys = keys.ok_or(AccountError::NoDataKey(tenant))?;
    let (current, previous) = (SealedDataKey::from(keys.current), keys.previous.map(SealedDataKey::from));
    Ok(vault.open_data_keys(tenant, &current, previous.as_ref())?)
}

fn purpose(tenant: TenantId, integration: IntegrationId) -> Purpose {
    Purpose { tenant, integration: Some(integration), column: COLUMN }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_shows_the_end_of_a_long_key_and_nothing_of_a_short_one() {
        assert_eq!(KeyHint::of(&"pat-eu1-0123456789-wxyz".into()).0, "••••wxyz");
        assert_eq!(KeyHint::of(&"short-secret".into()).0, "••••");
    }
}
