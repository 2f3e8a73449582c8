//! Telling who was erased: a tenant's suppression key, opened, and the lookups under it. What is then left out is the callers'.

use std::collections::{BTreeMap, BTreeSet};

use domain::id::TenantId;
use persistence::people::{self, Identifier, Person, Receipt, Suppressed, Suppression};
use persistence::{PersistenceError, Transaction, data_keys, integrations};
use vault::{Purpose, Sealed, SuppressionKey, VaultError};

use crate::accounts::Accounts;
use crate::error::AccountError;

/// The column that the sealed key is bound to.
const COLUMN: &str = "key_sealed";

/// Knows a tenant's erased persons by what they were known by.
#[derive(Clone, Debug)]
pub struct Suppressor {
    tenant: TenantId,
    /// `None` where nobody was ever erased.
    key: Option<SuppressionKey>,
}

impl Suppressor {
    /// Those of some identifiers that an erased person had.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn among(
        &self,
        tx: &mut Transaction,
        identifiers: &BTreeSet<Identifier>,
    ) -> Result<BTreeSet<Identifier>, PersistenceError> {
        let Some(key) = self.key.as_ref().filter(|_| !identifiers.is_empty()) else { return Ok(BTreeSet::new()) };
        let mut hashed: BTreeMap<String, &Identifier> =
            identifiers.iter().map(|identifier| (key.hash(&identifier.text()), identifier)).collect();
        let found = people::suppressed(tx, self.tenant, &hashed.keys().cloned().collect()).await?;
        hashed.retain(|hash, _| found.contains(hash));
        Ok(hashed.into_values().cloned().collect())
    }
}

impl Accounts {
    /// Whoever tells a tenant's erased persons from others. The caller keeps erasures out until its transaction ends.
    ///
    /// # Errors
    /// When the database does not answer, or the tenant's key does not open: nothing may be taken in then.
    pub async fn suppressor(&self, tx: &mut Transaction, tenant: TenantId) -> Result<Suppressor, AccountError> {
        let key = match self.suppression_key(tx, tenant).await {
            // The data key was changed between the two questions; asked again, both answers are of one key.
            Err(AccountError::Vault(VaultError::UnknownKey(_))) => self.suppression_key(tx, tenant).await?,
            opened => opened?,
        };
        Ok(Suppressor { tenant, key })
    }

    async fn suppression_key(
        &self,
        tx: &mut Transaction,
        tenant: TenantId,
    ) -> Result<Option<SuppressionKey>, AccountError> {
        let Some((integration, sealed)) = people::key(tx, tenant).await? else { return Ok(None) };
        let purpose = Purpose { tenant, integration: Some(integration), column: COLUMN };
        let key = self.data_key(tenant, data_keys::get(tx, tenant).await?)?;
        Ok(Some(SuppressionKey::new(&key.open(&purpose, &Sealed::from(sealed))?)?))
    }

    /// Suppresses what a person is known by. The caller excludes everybody else from the tenant's records.
    ///
    /// # Errors
    /// When the database does not answer, or the tenant's key cannot be made or opened.
    pub async fn suppress(
        &self,
        tx: &mut Transaction,
        tenant: TenantId,
        person: &Person,
    ) -> Result<Vec<Suppression>, AccountError> {
        if people::key(tx, tenant).await?.is_none() {
            let integration = integrations::backend(tx, tenant).await?;
            let purpose = Purpose { tenant, integration: Some(integration), column: COLUMN };
            let key = self.data_key(tenant, data_keys::for_sealing(tx, tenant).await?)?;
            let sealed = key.seal(&purpose, &SuppressionKey::random()?)?;
            people::keep_key(tx, (tenant, integration), sealed.as_str()).await?;
        }
        let Suppressor { key, .. } = self.suppressor(tx, tenant).await?;
        let hashed = key.iter().flat_map(|key| {
            let hash = |known: &Identifier| Suppressed { scheme: known.scheme(), hash: key.hash(&known.text()) };
            person.identifiers.iter().map(hash)
        });
        let hashed = hashed.collect();
        Ok(people::suppress(tx, tenant, person.contact.id, &hashed).await?)
    }

    /// Suppresses a person and takes it out of every table, for good.
    ///
    /// # Errors
    /// As [`Self::suppress`]; nothing is erased then.
    pub async fn erase(
        &self,
        tx: &mut Transaction,
        tenant: TenantId,
        person: &Person,
    ) -> Result<(Receipt, Vec<Suppression>), AccountError> {
        let suppressions = self.suppress(tx, tenant, person).await?;
        Ok((people::erase(tx, tenant, person).await?, suppressions))
    }
}
