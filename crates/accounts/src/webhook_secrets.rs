//! The secrets that sign an integration's webhooks, where they are ours to choose: made, replaced, opened. Checking a signature is `connectors`'.

use std::sync::Arc;
use std::time::Duration;

use domain::id::{IntegrationId, TenantId};
use domain::time::Timestamp;
use persistence::webhook_secrets::{self as table, Previous, WebhookSecrets as Kept};
use persistence::{Database, Scope, Transaction, data_keys};
use secrecy::SecretString;
use vault::{DataKey, Purpose, Sealed, Vault, VaultError};

use crate::error::AccountError;
use crate::sealing::{KeyHint, open_data_key};

/// For how long a replaced secret still verifies: as long as it may take a tenant to tell the platform of the new one.
const OVERLAP: Duration = Duration::from_hours(24);

/// Replaced secrets that verify at once; each is tried with a delivery that none before it has signed.
const MOST: usize = 10;

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
    /// When it was made.
    pub made_at: Timestamp,
    /// Until when the one before still verifies, where there was one.
    pub previous_until: Option<Timestamp>,
}

/// What an integration's webhooks may be signed with.
#[derive(Clone, Debug)]
pub struct Accepted {
    present: SecretString,
    previous: Vec<(SecretString, Timestamp)>,
}

impl Accepted {
    /// The secrets that verify what came in then, the newest first.
    pub fn at(&self, received_at: Timestamp) -> impl Iterator<Item = &SecretString> {
        let previous = self.previous.iter().filter(move |(_, until)| received_at < *until);
        std::iter::once(&self.present).chain(previous.map(|(secret, _)| secret))
    }
}

impl WebhookSecrets {
    /// Keeps them in this database, sealed by this vault.
    #[must_use]
    pub fn new(database: Database, vault: Arc<Vault>) -> Self {
        Self { database, vault }
    }

    /// Makes a secret for an integration; the one before still verifies for a day, and each before that until its own day ends.
    ///
    /// # Errors
    /// When too many still verify, the tenant has no data key, or the database does not answer.
    pub async fn rotate(
        &self,
        tx: &mut Transaction,
        (tenant, integration): (TenantId, IntegrationId),
        now: Timestamp,
    ) -> Result<NewSecret, AccountError> {
        table::lock(tx, integration).await?;
        let kept = table::get(tx, tenant, integration).await?;
        let still = kept.as_ref().map_or(&[][..], |kept| &kept.previous);
        if still.len() >= MOST {
            let ends = still.iter().map(|one| one.until).min();
            return Err(AccountError::TooManySecrets(ends.map_or(OVERLAP, |ends| now.until(ends))));
        }
        let secret = vault::new_secret()?;
        let previous_until = self.replace(tx, (tenant, integration), kept, (&secret, now)).await?;
        Ok(NewSecret { secret, made_at: now, previous_until })
    }

    /// A secret that was made then, once more, for whoever did not get the answer; `None` where it verifies nothing any more.
    ///
    /// # Errors
    /// When what is kept does not open, or the database does not answer.
    pub async fn made_at(
        &self,
        tx: &mut Transaction,
        (tenant, integration): (TenantId, IntegrationId),
        made_at: Timestamp,
    ) -> Result<Option<NewSecret>, AccountError> {
        let Some(kept) = table::get(tx, tenant, integration).await? else { return Ok(None) };
        let replaced = kept.previous.iter().find(|one| one.made_at == made_at);
        let found = if kept.rotated_at == made_at {
            Some((PRESENT, kept.sealed.clone()))
        } else {
            replaced.map(|one| (PREVIOUS, one.sealed.clone()))
        };
        let Some((column, sealed)) = found else { return Ok(None) };
        let key = open_data_key(&self.vault, tenant, data_keys::get(tx, tenant).await?)?;
        let purpose = Purpose { tenant, integration: Some(integration), column };
        let secret = key.open(&purpose, &Sealed::from(sealed))?;
        // The one that it replaced has the day that began with it.
        let until = made_at.plus(OVERLAP);
        let previous_until = kept.previous.iter().any(|one| one.until == until).then_some(until);
        Ok(Some(NewSecret { secret, made_at, previous_until }))
    }

    /// Puts a secret in the place of the present one; until when that one still verifies, where there was one. The caller
    /// holds the lock.
    async fn replace(
        &self,
        tx: &mut Transaction,
        (tenant, integration): (TenantId, IntegrationId),
        kept: Option<Kept>,
        (secret, now): (&SecretString, Timestamp),
    ) -> Result<Option<Timestamp>, AccountError> {
        let key = open_data_key(&self.vault, tenant, data_keys::for_sealing(tx, tenant).await?)?;
        let purpose = |column| Purpose { tenant, integration: Some(integration), column };
        let mut previous_until = None;
        if let Some(kept) = kept {
            let until = now.plus(OVERLAP);
            // Sealed anew: a secret opens in its own column only.
            let replaced = key.open(&purpose(PRESENT), &Sealed::from(kept.sealed))?;
            let sealed = key.seal(&purpose(PREVIOUS), &replaced)?.into();
            table::put_before(tx, (tenant, integration), &Previous { sealed, made_at: kept.rotated_at, until }).await?;
            previous_until = Some(until);
        }
        let sealed = key.seal(&purpose(PRESENT), secret)?.into();
        let KeyHint(hint) = KeyHint::of(secret);
        let present = Kept { tenant, sealed, hint, previous: Vec::new(), rotated_at: now };
        table::put(tx, integration, &present).await?;
        Ok(previous_until)
    }

    /// The present secret of an integration and when it was made; the first one is made where there is none.
    ///
    /// # Errors
    /// As [`Self::rotate`].
    pub async fn present(&self, of: (TenantId, IntegrationId)) -> Result<(SecretString, Timestamp), AccountError> {
        let (tenant, integration) = of;
        let mut tx = self.database.begin(Scope::Tenant(tenant)).await?;
        table::lock(&mut tx, integration).await?;
        let present = match table::get(&mut tx, tenant, integration).await? {
            Some(kept) => {
                let key = open_data_key(&self.vault, tenant, data_keys::get(&mut tx, tenant).await?)?;
                let purpose = Purpose { tenant, integration: Some(integration), column: PRESENT };
                (key.open(&purpose, &Sealed::from(kept.sealed))?, kept.rotated_at)
            }
            None => {
                let made = self.rotate(&mut tx, of, Timestamp::now()).await?;
                (made.secret, made.made_at)
            }
        };
        tx.commit().await?;
        Ok(present)
    }

    /// Keeps a secret that the platform chose, and returns when; the one before still verifies for a day.
    ///
    /// # Errors
    /// As [`Self::rotate`].
    pub async fn adopt(&self, of: (TenantId, IntegrationId), secret: &SecretString) -> Result<Timestamp, AccountError> {
        let (mut tx, now) = (self.database.begin(Scope::Tenant(of.0)).await?, Timestamp::now());
        table::lock(&mut tx, of.1).await?;
        let kept = table::get(&mut tx, of.0, of.1).await?;
        self.replace(&mut tx, of, kept, (secret, now)).await?;
        tx.commit().await?;
        Ok(now)
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
        let open = |one: Previous| Ok((key.open(&purpose(PREVIOUS), &Sealed::from(one.sealed))?, one.until));
        let previous: Result<_, VaultError> = kept.previous.into_iter().map(open).collect();
        Ok(Some(Accepted { present, previous: previous? }))
    }
}
