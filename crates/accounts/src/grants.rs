//! The grants of integrations: kept sealed, opened. Where they are had and given back is `doorway`'s, refreshing them `refresh`'s;
//! what they are is `connectors`'.

use std::time::Duration;

use connectors::account::{Account, Unlimited};
use connectors::error::ConnectorError;
use connectors::oauth::Grant;
use domain::id::{IntegrationId, TenantId};
use domain::integration::Integration;
use domain::platform::PlatformSlug;
use domain::time::Timestamp;
use persistence::grants::{self as table, Kept, Tokens};
use persistence::{Transaction, data_keys};
use secrecy::SecretString;
use url::Url;
use vault::{DataKey, Purpose, Sealed, VaultError};

use crate::accounts::Accounts;
use crate::error::AccountError;
use crate::sealing::open_data_key;

/// The columns that the sealed tokens are bound to.
const ACCESS: &str = "access_token_sealed";
const REFRESH: &str = "refresh_token_sealed";

/// A grant that was opened.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    /// It.
    pub(crate) grant: Grant,
    /// Which state of it.
    pub(crate) edition: String,
    /// When it was given or last refreshed.
    pub(crate) refreshed_at: Timestamp,
}

impl Held {
    /// Whether the access token is to be replaced by now: so long ahead of its end, or in the second half of a short life.
    pub(crate) fn is_due(&self, ahead: Duration, now: Timestamp) -> bool {
        self.due_at(ahead).is_some_and(|due| now >= due)
    }

    /// When the access token is to be replaced.
    pub(crate) fn due_at(&self, ahead: Duration) -> Option<Timestamp> {
        let end = self.grant.expires_at?;
        Some(end.minus(ahead.min(self.refreshed_at.until(end) / 2)))
    }

    /// The grant while it opens the account, else what went wrong.
    pub(crate) fn or(self, error: ConnectorError) -> Result<Self, AccountError> {
        if self.is_usable(Timestamp::now()) { Ok(self) } else { Err(error.into()) }
    }

    /// Whether the access token still opens the account.
    pub(crate) fn is_usable(&self, now: Timestamp) -> bool {
        self.grant.expires_at.is_none_or(|end| now < end)
    }
}

impl Accounts {
    /// An account that a grant opens which is not kept yet, to ask whose it is.
    ///
    /// # Errors
    /// When the platform is not known here, or does not say where the account is.
    pub fn with_grant(
        &self,
        platform: &PlatformSlug,
        grant: &Grant,
        site: Option<&str>,
    ) -> Result<Account, AccountError> {
        self.granted(platform, grant, site, std::sync::Arc::new(Unlimited))
    }

    /// Keeps a grant that was just given; it takes the place of any before.
    ///
    /// # Errors
    /// When the tenant has no data key, or the database does not answer.
    pub async fn keep_grant(
        &self,
        tx: &mut Transaction,
        of: (TenantId, IntegrationId),
        grant: &Grant,
    ) -> Result<(), AccountError> {
        let tokens = self.seal_tokens(tx, of, grant).await?;
        Ok(table::put(tx, of, &tokens).await?)
    }

    /// The grant of an integration; `None` where it has none.
    pub(crate) async fn held(
        &self,
        tx: &mut Transaction,
        integration: &Integration,
    ) -> Result<Option<Held>, AccountError> {
        match self.open_tokens(tx, integration).await {
            // The data key was changed between the two questions; asked again, both answers are of one key.
            Err(AccountError::Vault(VaultError::UnknownKey(_))) => self.open_tokens(tx, integration).await,
            opened => opened,
        }
    }

    pub(crate) async fn seal_tokens(
        &self,
        tx: &mut Transaction,
        (tenant, integration): (TenantId, IntegrationId),
        grant: &Grant,
    ) -> Result<Tokens, AccountError> {
        let key = open_data_key(self.vault(), tenant, data_keys::for_sealing(tx, tenant).await?)?;
        let seal = |column, token: &SecretString| {
            key.seal(&Purpose { tenant, integration: Some(integration), column }, token).map(String::from)
        };
        // In this order the moment of asking makes the end come earlier, which is the safer one.
        let (theirs, ours) = (tx.now().await?, Timestamp::now());
        let kept = |at| carried(at, ours, theirs);
        Ok(Tokens {
            access_sealed: seal(ACCESS, &grant.access_token)?,
            refresh_sealed: grant.refresh_token.as_ref().map(|token| seal(REFRESH, token)).transpose()?,
            expires_at: grant.expires_at.map(kept),
            refresh_expires_at: grant.refresh_expires_at.map(kept),
            scopes: grant.scopes.clone(),
            base_url: grant.base_url.as_ref().map(Url::to_string),
        })
    }

    async fn open_tokens(&self, tx: &mut Transaction, integration: &Integration) -> Result<Option<Held>, AccountError> {
        let (tenant, id) = (integration.tenant_id, integration.id);
        let Some(kept) = table::get(tx, tenant, id).await? else { return Ok(None) };
        let Kept { tokens, edition, refreshed_at, ended_cause } = kept;
        if let Some(cause) = ended_cause {
            return Err(AccountError::GrantEnded(cause));
        }
        let key: DataKey = open_data_key(self.vault(), tenant, data_keys::get(tx, tenant).await?)?;
        let open = |column, sealed: String| {
            key.open(&Purpose { tenant, integration: Some(id), column }, &Sealed::from(sealed))
        };
        let (ours, theirs) = (Timestamp::now(), tx.now().await?);
        let own = |at| carried(at, theirs, ours);
        let grant = Grant {
            access_token: open(ACCESS, tokens.access_sealed)?,
            refresh_token: tokens.refresh_sealed.map(|sealed| open(REFRESH, sealed)).transpose()?,
            expires_at: tokens.expires_at.map(own),
            refresh_expires_at: tokens.refresh_expires_at.map(own),
            scopes: tokens.scopes,
            base_url: tokens.base_url.and_then(|url| Url::parse(&url).ok()),
            account_id: integration.account_id.clone(),
        };
        Ok(Some(Held { grant, edition, refreshed_at: own(refreshed_at) }))
    }
}

/// The moment by another clock: as far from what that one shows now as `at` is from what its own does.
///
/// What is kept of a grant goes by the database's clock, and what a process asks of it by its own: one that is an hour off takes no good
/// grant for one that has ended.
fn carried(at: Timestamp, own: Timestamp, other: Timestamp) -> Timestamp {
    if at >= own { other.plus(own.until(at)) } else { other.minus(at.until(own)) }
}

/// What the platform said, as an error of opening an account.
impl From<ConnectorError> for AccountError {
    fn from(error: ConnectorError) -> Self {
        Self::Platform(Box::new(error))
    }
}
