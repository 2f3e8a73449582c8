//! From an integration to an account that can be called. What an account is made of is `assembly`'s, what is kept of its credentials
//! `sealing`'s.

mod assembly;
mod platforms;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use connectors::account::{Account, Learnt};
use connectors::registry::Platform;
use domain::id::IntegrationId;
use domain::integration::Integration;
use domain::platform::PlatformSlug;
use domain::time::Timestamp;
use moka::future::Cache;
use persistence::{Database, Scope, tenants};
use runtime::config::PlatformSettings;
use vault::Vault;

use crate::budget::Budgets;
use crate::error::AccountError;
use crate::place::Place;
use crate::sealing::Held;
use crate::webhook_secrets::WebhookSecrets;

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

    pub(crate) fn database(&self) -> &Database {
        &self.database
    }

    /// How long one process may hold a grant: longer than all that it asks of the platform meanwhile.
    pub(crate) fn lease(&self) -> Duration {
        self.timeout * 3
    }

    pub(crate) fn vault(&self) -> &Vault {
        &self.vault
    }
}
