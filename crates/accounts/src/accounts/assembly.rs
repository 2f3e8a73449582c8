//! From credentials to an account: where it is, by what it is called, and what is known of it. Nothing is read for that.

use std::collections::BTreeMap;
use std::sync::Arc;

use connectors::account::{Account, Budget, Learnt, Unlimited};
use connectors::oauth::Grant;
use domain::credentials::Credentials;
use domain::integration::Integration;
use domain::platform::PlatformSlug;
use url::Url;

use super::Accounts;
use crate::budget::budget_of;
use crate::error::AccountError;
use crate::grants::Held;
use crate::place::Place;
use crate::renewing::renewing;

impl Accounts {
    /// An account that is not kept yet, to try credentials with; nothing limits how often it is called.
    ///
    /// # Errors
    /// When the platform is not known here, or needs an address that is missing or none.
    pub fn with_credentials(
        &self,
        platform: &PlatformSlug,
        credentials: Credentials,
        url: Option<&str>,
    ) -> Result<Account, AccountError> {
        let place = self.place(platform)?;
        self.account(platform, place, (credentials, url, None), Arc::new(Unlimited))
    }

    /// An account that a grant opens.
    pub(crate) fn granted(
        &self,
        platform: &PlatformSlug,
        grant: &Grant,
        site: Option<&str>,
        budget: Arc<dyn Budget>,
    ) -> Result<Account, AccountError> {
        let credentials = Credentials::Bearer { access_token: grant.access_token.clone() };
        self.account(platform, self.place(platform)?, (credentials, site, grant.base_url.as_ref()), budget)
    }

    pub(super) fn opened(&self, integration: &Integration, credentials: Credentials) -> Result<Account, AccountError> {
        let place = self.place(&integration.platform)?;
        let budget = self.budget(integration, place);
        let opened_by = (credentials, integration.url.as_deref(), None);
        let account = self.account(&integration.platform, place, opened_by, budget)?;
        Ok(self.known(integration, account))
    }

    pub(crate) fn opened_by(&self, integration: &Integration, held: &Held) -> Result<Account, AccountError> {
        let budget = self.budget(integration, self.place(&integration.platform)?);
        let account = self.granted(&integration.platform, &held.grant, integration.url.as_deref(), budget)?;
        let http = account.http.clone().renewing(renewing(self, integration));
        Ok(self.known(integration, Account { http, ..account }))
    }

    /// An account with what is known of it.
    fn known(&self, integration: &Integration, account: Account) -> Account {
        let learnt = self.learnt.get_with(integration.id, Learnt::default);
        let (account_id, options) = (integration.account_id.clone(), integration.options.clone());
        Account { account_id, learnt, options, ..account }
    }

    fn budget(&self, integration: &Integration, place: &Place) -> Arc<dyn Budget> {
        let limits = place.platform.connector().descriptor().limits;
        self.budgets.of(&integration.platform, &budget_of(integration), limits)
    }

    pub(super) fn account(
        &self,
        platform: &PlatformSlug,
        place: &Place,
        (credentials, url, granted): (Credentials, Option<&str>, Option<&Url>),
        budget: Arc<dyn Budget>,
    ) -> Result<Account, AccountError> {
        let connector = place.platform.connector();
        let descriptor = connector.descriptor();
        let base_url = match granted {
            Some(granted) => granted.clone(),
            None if descriptor.needs_url => address(url)?,
            None => place.base_url.of(url).ok_or(AccountError::BadUrl)?,
        };
        let (platform, http) = (platform.clone(), place.client.clone());
        let shown = connector.shown(&credentials);
        Ok(Account {
            platform,
            account_id: None,
            base_url,
            credentials,
            shown,
            http,
            budget,
            learnt: Learnt::default(),
            options: BTreeMap::new(),
            region: domain::identity::HOME,
        })
    }
}

/// The address that a tenant typed. Whether it may be called is decided when it is resolved.
fn address(typed: Option<&str>) -> Result<Url, AccountError> {
    let url = typed.and_then(|typed| Url::parse(typed).ok()).ok_or(AccountError::BadUrl)?;
    let is_plain = url.username().is_empty() && url.password().is_none() && url.query().is_none();
    if matches!(url.scheme(), "https" | "http") && url.has_host() && is_plain {
        Ok(url)
    } else {
        Err(AccountError::BadUrl)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_plain_web_address() {
        for good in ["https://shop.example.com", "http://127.0.0.1:8080/wordpress"] {
            address(Some(good)).unwrap();
        }
        for bad in [None, Some(""), Some("shop"), Some("ftp://x.fr"), Some("file:///etc"), Some("https://u:p@x.fr")] {
            assert!(matches!(address(bad), Err(AccountError::BadUrl)), "{bad:?}");
        }
    }
}
