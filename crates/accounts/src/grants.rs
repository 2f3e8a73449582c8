//! The grants of integrations: kept sealed, opened, given back. Refreshing them is `refresh`'s; what they are is `connectors`'.

use std::time::Duration;

use connectors::account::{Account, Unlimited};
use connectors::descriptor::Terms;
use connectors::error::ConnectorError;
use connectors::http::Client;
use connectors::oauth::{App, Code, Grant, OAuth};
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

/// A platform's OAuth, with our app there.
#[derive(Clone, Debug)]
pub struct Doorway {
    /// What is asked for, and how long it lasts.
    pub terms: &'static Terms,
    /// Our app.
    pub app: App,
    /// By what its endpoints are called.
    pub http: Client,
    /// Whether a refresh token is good for one use.
    pub(crate) single_use_refresh: bool,
    platform: connectors::registry::Platform,
}

impl Doorway {
    /// What speaks of grants with the platform.
    ///
    /// # Errors
    /// Never in practice: a doorway is made for a platform that has terms.
    pub fn oauth(&self) -> Result<&'static dyn OAuth, AccountError> {
        let connector = self.platform.connector();
        connector.oauth().ok_or(AccountError::NoGrants(connector.descriptor().name))
    }

    /// Turns the code of a callback into a grant.
    ///
    /// # Errors
    /// The platform's refusal, or that it does not answer.
    pub async fn exchange(&self, code: &Code<'_>) -> Result<Grant, AccountError> {
        let grant = self.oauth()?.exchange(&self.app, &self.http, code).await?;
        Ok(self.dated(grant))
    }

    /// A grant whose end is known where the platform does not tell it.
    pub(crate) fn dated(&self, grant: Grant) -> Grant {
        let assumed = || self.terms.assumed_life.map(|life| Timestamp::now().plus(life));
        Grant { expires_at: grant.expires_at.or_else(assumed), ..grant }
    }

    /// Gives a grant back.
    ///
    /// # Errors
    /// The platform's refusal, or that it does not answer.
    pub async fn revoke(&self, grant: &Grant) -> Result<(), AccountError> {
        Ok(self.oauth()?.revoke(&self.app, &self.http, grant).await?)
    }
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
    /// A platform's OAuth, with our app as the tenant's site there knows it.
    ///
    /// # Errors
    /// When the platform gives no grants, the operator has not set our app up there, or the site is missing.
    pub fn doorway(&self, platform: &PlatformSlug, site: Option<&str>) -> Result<Doorway, AccountError> {
        let place = self.place(platform)?;
        let descriptor = place.platform.connector().descriptor();
        let terms = descriptor.terms().ok_or(AccountError::NoGrants(descriptor.name))?;
        let (client_id, client_secret) = place.app.clone().ok_or_else(|| AccountError::NoApp(platform.clone()))?;
        let app = App {
            client_id,
            client_secret,
            authorize_base: place.authorize_url.of(site).ok_or(AccountError::BadUrl)?,
            token_base: place.token_url.of(site).ok_or(AccountError::BadUrl)?,
            base_url: place.base_url.of(site),
            site: site.map(str::to_owned),
        };
        let (http, single_use_refresh) = (place.client.clone(), place.single_use_refresh);
        Ok(Doorway { terms, app, http, single_use_refresh, platform: place.platform })
    }

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
        Ok(Tokens {
            access_sealed: seal(ACCESS, &grant.access_token)?,
            refresh_sealed: grant.refresh_token.as_ref().map(|token| seal(REFRESH, token)).transpose()?,
            expires_at: grant.expires_at,
            refresh_expires_at: grant.refresh_expires_at,
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
        let grant = Grant {
            access_token: open(ACCESS, tokens.access_sealed)?,
            refresh_token: tokens.refresh_sealed.map(|sealed| open(REFRESH, sealed)).transpose()?,
            expires_at: tokens.expires_at,
            refresh_expires_at: tokens.refresh_expires_at,
            scopes: tokens.scopes,
            base_url: tokens.base_url.and_then(|url| Url::parse(&url).ok()),
            account_id: integration.account_id.clone(),
        };
        Ok(Some(Held { grant, edition, refreshed_at }))
    }
}

/// What the platform said, as an error of opening an account.
impl From<ConnectorError> for AccountError {
    fn from(error: ConnectorError) -> Self {
        Self::Platform(Box::new(error))
    }
}
