//! Where the operator says that a platform is, and by what it is called. Whose accounts are there is `accounts`'.

use std::time::Duration;

use connectors::http::{Client, Reach};
use connectors::registry::Platform;
use runtime::config::{AddressTemplate, PlatformSettings};
use secrecy::SecretString;

use crate::error::AccountError;

/// Where a platform is, and by what it is called.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) platform: Platform,
    pub(crate) base_url: AddressTemplate,
    pub(crate) authorize_url: AddressTemplate,
    pub(crate) token_url: AddressTemplate,
    /// The id and the secret of our app there, where the operator has set one up.
    pub(crate) app: Option<(String, SecretString)>,
    /// The number of our app there and the key of its developer, where the operator has its webhooks subscribed by that.
    pub(crate) developer: Option<(String, SecretString)>,
    pub(crate) client: Client,
    /// Whether a refresh token of ours there is good for one use.
    pub(crate) single_use_refresh: bool,
}

impl Place {
    pub(crate) fn new(
        platform: Platform,
        settings: &PlatformSettings,
        timeout: Duration,
    ) -> Result<Self, AccountError> {
        let descriptor = platform.connector().descriptor();
        let has_own = descriptor.needs_url || descriptor.terms().is_some_and(|terms| terms.site.is_some());
        // Only an address that follows from what a tenant typed needs the guard; the others are the operator's.
        let is_guarded = has_own && !settings.allow_private_addresses;
        let guarded = Reach::PublicOnly { other_ports: settings.allowed_ports.clone() };
        let elsewhere = |other: &Option<AddressTemplate>| other.clone().unwrap_or_else(|| settings.base_url.clone());
        Ok(Self {
            platform,
            base_url: settings.base_url.clone(),
            authorize_url: elsewhere(&settings.authorize_url),
            token_url: elsewhere(&settings.token_url),
            app: settings.client_id.clone().zip(settings.client_secret.clone()),
            developer: settings.app_id.clone().zip(settings.developer_key.clone()),
            single_use_refresh: settings
                .single_use_refresh
                .unwrap_or_else(|| descriptor.terms().is_some_and(|terms| terms.single_use_refresh)),
            client: Client::new(timeout, if is_guarded { guarded } else { Reach::Anywhere })?,
        })
    }
}
