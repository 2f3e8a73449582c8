//! The platforms that are known here, and which of them have to be looked after in what way.

use std::sync::Arc;
use std::time::Duration;

use connectors::account::{Account, Unlimited};
use connectors::registry::Platform;
use connectors::subscriptions::AppSubscriptions;
use domain::credentials::Credentials;
use domain::platform::PlatformSlug;

use super::Accounts;
use crate::error::AccountError;
use crate::place::Place;

impl Accounts {
    pub(crate) fn place(&self, platform: &PlatformSlug) -> Result<&Place, AccountError> {
        if Platform::from_slug(platform).is_none() {
            return Err(AccountError::UnknownPlatform(platform.clone()));
        }
        self.platforms.get(platform).ok_or_else(|| AccountError::NoSettings(platform.clone()))
    }

    /// The platforms whose grants die unless they are used, and after how long they are refreshed.
    pub(crate) fn with_keep_alive(&self) -> Vec<(PlatformSlug, Duration)> {
        let after = |place: &Place| place.platform.connector().descriptor().terms()?.keep_alive;
        self.platforms.iter().filter_map(|(slug, place)| Some((slug.clone(), after(place)?))).collect()
    }

    /// The platforms that have to be told to call us, account by account.
    pub(crate) fn with_subscriptions(&self) -> Vec<PlatformSlug> {
        let has_any = |place: &Place| place.platform.connector().subscriptions().is_some();
        self.platforms.iter().filter(|(_, place)| has_any(place)).map(|(slug, _)| slug.clone()).collect()
    }

    /// The platforms at which the operator has our app's webhooks looked after, with how that is done and the app as an account.
    pub(crate) fn with_app_subscriptions(&self) -> Vec<(&'static dyn AppSubscriptions, Account)> {
        let app = |(slug, place): (&PlatformSlug, &Place)| {
            let subscriptions = place.platform.connector().app_subscriptions()?;
            let (id, key) = place.developer.clone()?;
            let credentials = Credentials::ApiKey { key, secret: None };
            // What is told once a day needs no budget.
            let app = self.account(slug, place, (credentials, None, None), Arc::new(Unlimited)).ok()?;
            Some((subscriptions, Account { account_id: Some(id), shown: subscriptions.key_shown(), ..app }))
        };
        self.platforms.iter().filter_map(app).collect()
    }
}
