//! Seeing to it that platforms call us, and that they stop when nobody is connected any more. How they are told is `connectors`'.

use connectors::account::Account;
use connectors::oauth::Grant;
use connectors::registry::Platform;
use connectors::subscriptions::{self, Subscriptions, Target};
use connectors::webhook::SecretSource;
use domain::integration::Integration;
use domain::time::Timestamp;
use persistence::subscriptions as table;
use persistence::{Scope, integrations};
use std::time::Duration;
use url::Url;

use crate::accounts::Accounts;
use crate::error::AccountError;
use crate::grants::Doorway;

/// How often it is looked whether a platform still calls.
const CHECK_EVERY: Duration = Duration::from_hours(24);

/// What a disconnected account is still to be told, gathered while its credentials were there.
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
    /// Makes sure that the platform calls us for this integration, where it has to be told so account by account, and notes what
    /// came of it. `public_url` is where platforms reach us.
    ///
    /// # Errors
    /// When the database does not answer; what the platform refuses is noted, and tried again another day.
    pub async fn subscribe(&self, integration: &Integration, public_url: &Url) -> Result<(), AccountError> {
        let Some((platform, subscribed)) = subscriptions_of(integration) else { return Ok(()) };
        let outcome = self.ensure(integration, (platform, subscribed), public_url).await;
        let problem = outcome.as_ref().err().map(ToString::to_string);
        if let Some(problem) = &problem {
            tracing::warn!(integration.id = %integration.id, problem, "the platform could not be made to call us");
        }
        let mut tx = self.database().begin(Scope::Tenant(integration.tenant_id)).await?;
        table::note(&mut tx, (integration.tenant_id, integration.id), problem.as_deref()).await?;
        Ok(tx.commit().await?)
    }

    /// Looks after the subscriptions at which nobody has looked for a day; returns at how many integrations it looked.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn check_subscriptions(&self, public_url: &Url, limit: i64) -> Result<usize, AccountError> {
        let platforms = self.with_subscriptions();
        if platforms.is_empty() {
            return Ok(0);
        }
        let mut tx = self.database().begin(Scope::System).await?;
        let since = Timestamp::now().minus(CHECK_EVERY);
        let due = table::take_due(&mut tx, &platforms, since, limit).await?;
        let mut found = Vec::new();
        for (tenant, id) in due {
            found.extend(integrations::get(&mut tx, tenant, id).await?);
        }
        tx.commit().await?;
        for integration in &found {
            self.subscribe(integration, public_url).await?;
        }
        Ok(found.len())
    }

    /// Gathers what the platform is to be told once the integration is gone. What another integration still needs, of whatever
    /// tenant, is left alone.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn farewell(&self, integration: &Integration, public_url: &Url) -> Result<Farewell, AccountError> {
        let Some(account_id) = &integration.account_id else { return Ok(Farewell::default()) };
        let mut tx = self.database().begin(Scope::Tenant(integration.tenant_id)).await?;
        let (slug, id) = (&integration.platform, integration.id);
        let is_shared = table::account_has_others(&mut tx, slug, account_id, id).await?;
        let held = self.held(&mut tx, integration).await.unwrap_or_default();
        tx.commit().await?;
        let is_own = |platform: Platform| is_integrations_own(platform);
        let subscribed = match subscriptions_of(integration) {
            Some((platform, _)) if is_own(platform) || !is_shared => {
                let target = Target { url: address(platform, integration, public_url), secret: None };
                self.open(integration).await.ok().map(|account| (platform, account, target))
            }
            Some(_) | None => None,
        };
        let doorway = self.doorway(slug, integration.url.as_deref()).ok();
        let grant = held.filter(|_| !is_shared).and_then(|held| Some((doorway?, held.grant)));
        Ok(Farewell { subscribed, grant })
    }

    async fn ensure(
        &self,
        integration: &Integration,
        (platform, subscribed): (Platform, &dyn Subscriptions),
        public_url: &Url,
    ) -> Result<(), AccountError> {
        let account = self.open(integration).await?;
        let of = (integration.tenant_id, integration.id);
        let secret = if is_integrations_own(platform) { Some(self.webhook_secrets().present(of).await?) } else { None };
        let target = Target { url: address(platform, integration, public_url), secret };
        let ensured = subscriptions::ensure(subscribed, &account, &target).await?;
        if let Some(chosen) = ensured.secret {
            self.webhook_secrets().adopt(of, &chosen).await?;
        }
        if !ensured.made.is_empty() || ensured.removed > 0 {
            tracing::info!(integration.id = %integration.id, made = ensured.made.len(), removed = ensured.removed,
                "subscriptions were put right");
        }
        Ok(())
    }
}

fn subscriptions_of(integration: &Integration) -> Option<(Platform, &'static dyn Subscriptions)> {
    let platform = Platform::from_slug(&integration.platform)?;
    Some((platform, platform.connector().subscriptions()?))
}

/// Whether each integration has an address of its own, since its own secret signs.
fn is_integrations_own(platform: Platform) -> bool {
    match platform.connector().webhooks().secret() {
        SecretSource::Integration => true,
        SecretSource::App => false,
    }
}

/// Where the platform is to call.
fn address(platform: Platform, integration: &Integration, public_url: &Url) -> Url {
    let (mut url, id) = (public_url.clone(), integration.id.to_string());
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().extend(["webhooks", "integrations", integration.platform.as_str()]);
        if is_integrations_own(platform) {
            segments.push(&id);
        }
    }
    url
}
