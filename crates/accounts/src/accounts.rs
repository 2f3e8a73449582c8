//! From an integration to an account that can be called. What is kept of its credentials is `sealing`'s.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use connectors::account::{Account, Budget, Learnt, Unlimited};
use connectors::oauth::Grant;
use connectors::registry::Platform;
use connectors::subscriptions::AppSubscriptions;
use domain::credentials::Credentials;
use domain::id::IntegrationId;
use domain::integration::Integration;
use domain::platform::PlatformSlug;
use domain::time::Timestamp;
use moka::future::Cache;
use persistence::{Database, Scope, tenants};
use runtime::config::PlatformSettings;
use url::Url;
use vault::Vault;

use crate::{
    budget::{Budgets, budget_of},
    error::AccountError,
    grants,
    place::Place,
    renewing::renewing,
    sealing::Held,
    webhook_secrets::WebhookSecrets,
};

/// How long opened credentials may stay in memory: a revoked integration, or one of a tenant that was erased, is called no
/// longer than this, and the call that is under way then ends by its own limit. Data keys themselves are never kept.
const OPEN_FOR: Duration = Duration::from_secs(10);

/// How long a connector may believe what it has learnt of an account, such as the fields that it has.
const LEARNT_FOR: Duration = Duration::from_hours(1);

/// Opened accounts kept at once.
const OPEN_ACCOUNTS: u64 = 10_000;

/// Opens accounts. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Accounts {
    database: Database,
    vault: Arc<Vault>,
    platforms: Arc<BTreeMap<PlatformSlug, Place>>,
    budgets: Budgets,
    /// By version too, so that changed credentials are used at once; until when, where they end.
    open: Cache<(IntegrationId, i64), (Account, Option<Timestamp>)>,
    timeout: Duration,
    /// Apart from the opened accounts, which come and go.
    learnt: moka::sync::Cache<IntegrationId, Learnt>,
}

impl Accounts {
    /// Knows the platforms that have both a connector and settings; `timeout` ends every call of one.
    ///
    /// # Errors
    /// When the system's certificates cannot be used.
    pub fn new(
        database: Database,
        vault: Vault,
        settings: &BTreeMap<String, PlatformSettings>,
        timeout: Duration,
    ) -> Result<Self, AccountError> {
        let mut platforms = BTreeMap::new();
        for (name, settings) in settings {
            let Ok(slug) = name.parse::<PlatformSlug>() else { continue };
            let Some(platform) = Platform::from_slug(&slug) else { continue };
            platforms.insert(slug, Place::new(platform, settings, timeout)?);
        }
        Ok(Self {
            budgets: Budgets::new(database.clone()),
            database,
            vault: Arc::new(vault),
            platforms: Arc::new(platforms),
            open: Cache::builder().max_capacity(OPEN_ACCOUNTS).time_to_live(OPEN_FOR).build(),
            learnt: moka::sync::Cache::builder().max_capacity(OPEN_ACCOUNTS).time_to_live(LEARNT_FOR).build(),
            timeout,
        })
    }

    /// The secrets of webhooks, kept in the same database and sealed by the same vault.
    #[must_use]
    pub fn webhook_secrets(&self) -> WebhookSecrets {
        WebhookSecrets::new(self.database.clone(), Arc::clone(&self.vault))
    }

    /// Opens the account of an integration. Its credentials stay in memory for a few seconds; a grant that is about to end is
    /// refreshed first, and one whose access token is refused later is refreshed then.
    ///
    /// # Errors
    /// When the database does not answer, or the integration has no credentials that open.
    pub async fn open(&self, integration: &Integration) -> Result<Account, AccountError> {
        let key = (integration.id, integration.version);
        let kept = self.open.get(&key).await;
        if let Some((account, _)) = kept.filter(|(_, until)| until.is_none_or(|until| Timestamp::now() < until)) {
            return Ok(account);
        }
        let mut tx = self.database.begin(Scope::Tenant(integration.tenant_id)).await?;
        let held = self.credentials(&mut tx, integration).await?;
        let region = tenants::region(&mut tx, integration.tenant_id).await?;
        tx.commit().await?;
        let (account, until) = match held {
            Held::Key(credentials) => (self.opened(integration, credentials)?, None),
            Held::Grant(held) => {
                let held = self.fresh(integration, held).await?;
                let terms = self.place(&integration.platform)?.platform.connector().descriptor().terms();
                let until = terms.and_then(|terms| held.due_at(terms.refresh_ahead));
                (self.opened_by(integration, &held)?, until)
            }
        };
        let account = Account { region: region.unwrap_or(account.region), ..account };
        self.open.insert(key, (account.clone(), until)).await;
        Ok(account)
    }

    /// Forgets what was opened, after it was changed here.
    pub(crate) async fn forget(&self, integration: &Integration) {
        self.open.invalidate(&(integration.id, integration.version)).await;
    }

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

    pub(crate) fn database(&self) -> &Database {
        &self.database
    }

    /// How long one process may hold a grant: longer than all that it asks of the platform meanwhile.
    pub(crate) fn lease(&self) -> Duration {
        self.timeout * 3
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

    pub(crate) fn vault(&self) -> &Vault {
        &self.vault
    }

    fn opened(&self, integration: &Integration, credentials: Credentials) -> Result<Account, AccountError> {
        let place = self.place(&integration.platform)?;
        let budget = self.budget(integration, place);
        let opened_by = (credentials, integration.url.as_deref(), None);
        let account = self.account(&integration.platform, place, opened_by, budget)?;
        Ok(self.known(integration, account))
    }

    pub(crate) fn opened_by(&self, integration: &Integration, held: &grants::Held) -> Result<Account, AccountError> {
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

    pub(crate) fn place(&self, platform: &PlatformSlug) -> Result<&Place, AccountError> {
        if Platform::from_slug(platform).is_none() {
            return Err(AccountError::UnknownPlatform(platform.clone()));
        }
        self.platforms.get(platform).ok_or_else(|| AccountError::NoSettings(platform.clone()))
    }

    fn account(
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
