//! A platform's OAuth as our app knocks at it: where grants are had and given back. Keeping them is `grants`'s.

use connectors::descriptor::Terms;
use connectors::http::Client;
use connectors::oauth::{App, Code, Grant, OAuth};
use connectors::registry::Platform;
use domain::platform::PlatformSlug;
use domain::time::Timestamp;

use crate::accounts::Accounts;
use crate::error::AccountError;

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
    platform: Platform,
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
}
