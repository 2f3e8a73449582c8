//! What a platform is told when an account is disconnected: that it need not call us any more, and that its grant is given back.

use connectors::account::Account;
use connectors::oauth::Grant;
use connectors::registry::Platform;
use connectors::subscriptions::{self, Target};
use domain::id::IntegrationId;
use domain::integration::Integration;
use domain::platform::PlatformSlug;
use persistence::subscriptions as table;
use persistence::{Scope, Transaction, app_subscriptions};
use url::Url;

use crate::accounts::Accounts;
use crate::doorway::Doorway;
use crate::error::AccountError;
use crate::subscribing::{Place, is_integrations_own};

/// What an account may have to be told once it is disconnected, gathered while its credentials are there.
#[derive(Debug, Default)]
pub struct Departure {
    /// The account, and the integration that goes.
    of: Option<(PlatformSlug, String, IntegrationId)>,
    all: Farewell,
}

impl Departure {
    /// What it is to be told: what another integration still needs, of whatever tenant, is left alone. In the transaction that
    /// deletes the integration, so that of two that leave together the second knows that it is the last.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn settle(self, tx: &mut Transaction) -> Result<Farewell, AccountError> {
        let Self { of, all } = self;
        let Some((platform, account_id, id)) = of else { return Ok(all) };
        // What our app is told of may have been this one's alone.
        app_subscriptions::ask(tx, &platform).await?;
        table::hold_account(tx, &platform, &account_id).await?;
        if !table::account_has_others(tx, &platform, &account_id, id).await? {
            return Ok(all);
        }
        let own = all.subscribed.filter(|(platform, ..)| is_integrations_own(*platform));
        Ok(Farewell { subscribed: own, grant: None })
    }
}

/// What a disconnected account is still to be told.
#[derive(Debug, Default)]
pub struct Farewell {
    /// The subscriptions to be taken away.
    subscribed: Option<(Platform, Account, Target)>,
    /// The grant to be given back.
    grant: Option<(Doorway, Grant)>,
}

impl Farewell {
    /// Tells it. What the platform does not take is logged, and does no harm: nobody listens to it any more.
    pub async fn say(self) {
        if let Some((platform, account, target)) = self.subscribed
            && let Some(subscribed) = platform.connector().subscriptions()
            && let Err(error) = subscriptions::remove(subscribed, &account, &target).await
        {
            tracing::warn!(platform = ?platform, %error, "subscriptions of a disconnected account are left behind");
        }
        // Last: without it, nothing else could be told.
        if let Some((doorway, grant)) = self.grant
            && let Err(error) = doorway.revoke(&grant).await
        {
            tracing::warn!(%error, "the grant of a disconnected account was not given back");
        }
    }
}

impl Accounts {
    /// Gathers what the platform may have to be told once the integration is gone.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn farewell(&self, integration: &Integration, public_url: &Url) -> Result<Departure, AccountError> {
        let Some(account_id) = integration.account_id.clone() else { return Ok(Departure::default()) };
        let subscribed = match Place::of(integration, public_url) {
            Some(Place { platform, url, .. }) => {
                let target = Target { url, secret: None };
                self.open(integration).await.ok().map(|account| (platform, account, target))
            }
            None => None,
        };
        // Opening may have refreshed the grant, and only the newest can be given back.
        let mut tx = self.database().begin(Scope::Tenant(integration.tenant_id)).await?;
        let held = self.held(&mut tx, integration).await.unwrap_or_default();
        tx.commit().await?;
        let doorway = self.doorway(&integration.platform, integration.url.as_deref()).ok();
        let grant = held.and_then(|held| Some((doorway?, held.grant)));
        let of = Some((integration.platform.clone(), account_id, integration.id));
        Ok(Departure { of, all: Farewell { subscribed, grant } })
    }
}
