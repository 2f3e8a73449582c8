//! The secrets that sign an integration's webhooks, where they are ours to choose: made, replaced, opened. Checking a signature is `connectors`'.

use std::sync::Arc;
use std::time::Duration;

use domain::id::{IntegrationId, TenantId};
use domain::time::Timestamp;
use persistence::webhook_secrets::{self as table, WebhookSecrets as Kept};
use persistence::{Database, Scope, Transaction, data_keys};
use secrecy::SecretString;
use vault::{DataKey, Purpose, Sealed, Vault, VaultError};

use crate::accounts::{KeyHint, open_data_key};
use crate::error::AccountError;

/// For how long the secret before still verifies: as long as it may take a tenant to tell the platform of the new one.
const OVERLAP: Duration = Duration::from_hours(24);

/// The columns that the sealed secrets are bound to.
const PRESENT: &str = "secret_sealed";
const PREVIOUS: &str = "previous_sealed";

/// Opens and replaces the secrets of webhooks. Cheap to clone.
#[derive(Clone, Debug)]
pub struct WebhookSecrets {
    database: Database,
    vault: Arc<Vault>,
}

/// A secret that was just made; it is shown once.
#[derive(Debug)]
pub struct NewSecret {
    /// It.
    pub secret: SecretString,
    /// Until when the one before still verifies, where there was one.
    pub previous_until: Option<Timestamp>,
}

/// What an integration's webhooks may be signed with.
#[derive(Clone, Debug)]
pub struct Accepted {
    present: SecretString,
    previous: Option<(SecretString, Timestamp)>,
}

impl Accepted {
    /// The secrets that verify what came in then, the present one first.
    pub fn at(&self, received_at: Timestamp) -> impl Iterator<Item = &SecretString> {
        let previous = self.previous.as_ref().filter(move |(_, until)| received_at < *until);
        std::iter::once(&self.present).chain(previous.map(|(secret, _)| secret))
    }
}

impl WebhookSecrets {
    /// Keeps them in this database, sealed by this vault.
    #[must_use]
    pub fn new(database: Database, vault: Arc<Vault>) -> Self {
        Self { database, vault }
    }

    /// Makes a secret for an integration; the one before still verifies for a day, and the one before that no more.
    ///
    /// # Errors
    /// When the tenant has no data key, or the database does not answer.
    pub async fn rotate(
        &self,
        tx: &mut Transaction,
        (tenant, integration): (TenantId, IntegrationId),
        now: Timestamp,
    ) -> Result<NewSecret, AccountError> {
        let secret = vault::new_secret()?;
        let previous_until = self.replace(tx, (tenant, integration), (&secret, now)).await?;
        Ok(NewSecret { secret, previous_until })
    }

    /// Puts a secret in the place of the present one; until when that one still verifies, where there was one.
    async fn replace(
        &self,
        tx: &mut Transaction,
        (tenant, integration): (TenantId, IntegrationId),
        (secret, now): (&SecretString, Timestamp),
    ) -> Result<Option<Timestamp>, AccountError> {
        table::lock(tx, integration).await?;
        let key = open_data_key(&self.vault, tenant, data_keys::for_sealing(tx, tenant).await?)?;
        let purpose = |column| Purpose { tenant, integration: Some(integration), column };
        let previous = match table::get(tx, tenant, integration).await? {
            Some(kept) => {
                // Sealed anew: a secret opens in its own column only.
                let secret = key.open(&purpose(PRESENT), &Sealed::from(kept.sealed))?;
                Some((key.seal(&purpose(PREVIOUS), &secret)?.into(), now.plus(OVERLAP)))
            }
            None => None,
        };
        let sealed = key.seal(&purpose(PRESENT), secret)?.into();
        let previous_until = previous.as_ref().map(|(_, until)| *until);
        let KeyHint(hint) = KeyHint::of(secret);
        table::put(tx, integration, &Kept { tenant, sealed, hint, previous, rotated_at: now }).await?;
        Ok(previous_until)
    }

    /// The present secret of an integration; the first one is made where there is none.
    ///
    /// # Errors
    /// As [`Self::rotate`].
    pub async fn present(&self, of: (TenantId, IntegrationId)) -> Result<SecretString, AccountError> {
        let (tenant, integration) = of;
        let mut tx = self.database.begin(Scope::Tenant(tenant)).await?;
        table::lock(&mut tx, integration).await?;
        let secret = match table::get(&mut tx, tenant, integration).await? {
            Some(kept) => {
                let key = open_data_key(&self.vault, tenant, data_keys::get(&mut tx, tenant).await?)?;
                let purpose = Purpose { tenant, integration: Some(integration), column: PRESENT };
                key.open(&purpose, &Sealed::from(kept.sealed))?
            }
            None => self.rotate(&mut tx, of, Timestamp::now()).await?.secret,
        };
        tx.commit().await?;
        Ok(secret)
    }

    /// Keeps a secret that the platform chose; the one before still verifies for a day.
    ///
    /// # Errors
    /// As [`Self::rotate`].
    pub async fn adopt(&self, of: (TenantId, IntegrationId), secret: &SecretString) -> Result<(), AccountError> {
        let mut tx = self.database.begin(Scope::Tenant(of.0)).await?;
        self.replace(&mut tx, of, (secret, Timestamp::now())).await?;
        Ok(tx.commit().await?)
    }

    /// What the webhooks of an integration may be signed with; `None` where there is no such integration, or no secret.
    ///
    /// # Errors
    /// When the database does not answer, or what is kept does not open.
    pub async fn accepted(&self, integration: IntegrationId) -> Result<Option<Accepted>, AccountError> {
        match self.open(integration).await {
            // The data key was changed between the two questions; asked again, both answers are of one key.
            Err(AccountError::Vault(VaultError::UnknownKey(_))) => self.open(integration).await,
            opened => opened,
        }
    }

    async fn open(&self, integration: IntegrationId) -> Result<Option<Accepted>, AccountError> {
        let mut tx = self.database.begin(Scope::System).await?;
        let Some(kept) = table::get_any(&mut tx, integration).await? else {
            tx.commit().await?;
            return Ok(None);
        };
        let tenant = kept.tenant;
        let key: DataKey = open_data_key(&self.vault, tenant, data_keys::get(&mut tx, tenant).await?)?;
        tx.commit().await?;
        let purpose = |column| Purpose { tenant, integration: Some(integration), column };
        let present = key.open(&purpose(PRESENT), &Sealed::from(kept.sealed))?;
        let previous = match kept.previous {
            Some((sealed, until)) => Some((key.open(&purpose(PREVIOUS), &Sealed::from(sealed))?, until)),
            None => None,
        };
        Ok(Some(Accepted { present, previous }))
    }
}
