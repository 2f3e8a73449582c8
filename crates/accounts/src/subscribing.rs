//! Seeing to it that platforms call us, account by account. How they are told is `connectors`', that they stop is `farewell`'s, and
//! what they tell our app as a whole is `app_subscribing`'s.

use connectors::registry::Platform;
use connectors::subscriptions::{self, Subscriptions, Target};
use connectors::webhook::SecretSource;
use domain::incident::Trigger;
use domain::integration::Integration;
use domain::platform::PlatformSlug;
use domain::time::Timestamp;
use persistence::incidents::{self, Subject};
use persistence::subscriptions::{self as table, Subscription};
use persistence::{Scope, integrations};
use serde_json::json;
use std::time::Duration;
use url::Url;

use crate::accounts::Accounts;
use crate::error::AccountError;

/// How often it is looked whether a platform still calls.
pub(crate) const CHECK_EVERY: Duration = Duration::from_hours(24);

impl Accounts {
    /// Makes sure that the platform calls us for this integration, where it has to be told so account by account, and notes what
    /// came of it; where it tells our app as a whole, has that looked at soon. `public_url` is where platforms reach us.
    ///
    /// # Errors
    /// When the database does not answer; what the platform refuses is noted, and tried again another day.
    pub async fn subscribe(&self, integration: &Integration, public_url: &Url) -> Result<(), AccountError> {
        let Some(place) = Place::of(integration, public_url) else { return self.ask_app(integration).await };
        self.see_to(integration, &place, Occasion::Wish).await.map(drop)
    }

    /// Looks after the subscriptions at which nobody has looked for a day; returns at how many integrations it looked. Where a
    /// platform has taken one away, its tenant is told, and it is made again.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn check_subscriptions(&self, public_url: &Url, limit: i64) -> Result<usize, AccountError> {
        let platforms = self.with_subscriptions();
        if platforms.is_empty() {
            return Ok(0);
        }
        let mut tx = self.database().begin(Scope::System).await?;
        let since = tx.now().await?.minus(CHECK_EVERY);
        let due = table::take_due(&mut tx, &platforms, since, limit).await?;
        let mut found = Vec::new();
        for (tenant, id) in due {
            found.extend(integrations::get(&mut tx, tenant, id).await?);
        }
        tx.commit().await?;
        for integration in &found {
            let Some(place) = Place::of(integration, public_url) else { continue };
            if self.see_to(integration, &place, Occasion::Check).await? {
                let mut tx = self.database().begin(Scope::System).await?;
                incidents::end(&mut tx, &subject(integration), Trigger::WebhookRemoved).await?;
                tx.commit().await?;
            }
        }
        Ok(found.len())
    }

    /// Whether the platform calls us now.
    async fn see_to(&self, integration: &Integration, place: &Place, occasion: Occasion) -> Result<bool, AccountError> {
        let of = (integration.tenant_id, integration.id);
        let mut tx = self.database().begin(Scope::Tenant(of.0)).await?;
        let known = table::of(&mut tx, of).await?;
        tx.commit().await?;
        let outcome = self.mend(integration, place, (occasion, known)).await;
        let problem = outcome.as_ref().err().map(ToString::to_string);
        if let Some(problem) = &problem {
            tracing::warn!(integration.id = %integration.id, error = problem, "the platform could not be made to call us");
        }
        let mut tx = self.database().begin(Scope::Tenant(of.0)).await?;
        let found = problem.as_deref().map_or_else(|| Ok(outcome.unwrap_or_default()), Err);
        table::note(&mut tx, of, found).await?;
        tx.commit().await?;
        Ok(problem.is_none())
    }

    /// Puts right what is not as it should be; when the secret was made by which the platform calls, where it is not our app's.
    async fn mend(
        &self,
        integration: &Integration,
        Place { platform, subscriptions, url }: &Place,
        (occasion, known): (Occasion, Option<Subscription>),
    ) -> Result<Option<Timestamp>, AccountError> {
        let account = self.open(integration).await?;
        let of = (integration.tenant_id, integration.id);
        let present =
            if is_integrations_own(*platform) { Some(self.webhook_secrets().present(of).await?) } else { None };
        let (secret, made_at) = present.unzip();
        let target = Target { url: url.clone(), secret };
        let told = known.as_ref().and_then(|known| known.secret_made_at);
        let mended = if told.is_some() && told != made_at {
            subscriptions::replace(*subscriptions, &account, &target).await?
        } else {
            let found = subscriptions::look(*subscriptions, &account, &target).await?;
            let was_standing = known.is_some_and(|known| known.is_standing);
            if occasion == Occasion::Check && was_standing && !found.missing.is_empty() {
                self.report(integration, &found.missing).await?;
            }
            subscriptions::mend(*subscriptions, &account, &target, found).await?
        };
        if !mended.made.is_empty() || mended.removed > 0 {
            tracing::info!(integration.id = %integration.id, made = mended.made.len(), removed = mended.removed,
                "subscriptions were put right");
        }
        match mended.secret {
            Some(chosen) => self.webhook_secrets().adopt(of, &chosen).await.map(Some),
            None => Ok(made_at),
        }
    }

    /// Has the tenant told of what the platform no longer tells us of. Before it is put right, so that a crash hides nothing.
    async fn report(&self, integration: &Integration, missing: &[&str]) -> Result<(), AccountError> {
        let mut tx = self.database().begin(Scope::System).await?;
        let detail = json!({ "topics": missing });
        incidents::begin(&mut tx, &subject(integration), Trigger::WebhookRemoved, detail).await?;
        tracing::warn!(integration.id = %integration.id, ?missing, "the platform has taken subscriptions away");
        Ok(tx.commit().await?)
    }
}

/// Why somebody looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Occasion {
    /// It was just connected, or its secret replaced: what is missing is missed by nobody.
    Wish,
    /// It is time.
    Check,
}

/// Who is to be told to call, and where.
pub(crate) struct Place {
    pub(crate) platform: Platform,
    subscriptions: &'static dyn Subscriptions,
    pub(crate) url: Url,
}

impl Place {
    /// `None` where the platform is not told so account by account.
    pub(crate) fn of(integration: &Integration, public_url: &Url) -> Option<Self> {
        let platform = Platform::from_slug(&integration.platform)?;
        let subscriptions = platform.connector().subscriptions()?;
        Some(Self { platform, subscriptions, url: address(platform, integration, public_url) })
    }
}

fn subject(integration: &Integration) -> Subject {
    Subject::Integration(integration.id, integration.tenant_id)
}

/// Whether each integration has an address of its own, since its own secret signs.
pub(crate) fn is_integrations_own(platform: Platform) -> bool {
    match platform.connector().webhooks().secret() {
        SecretSource::Integration => true,
        SecretSource::App => false,
    }
}

/// Where the platform is to call.
fn address(platform: Platform, integration: &Integration, public_url: &Url) -> Url {
    let mut url = shared_address(&integration.platform, public_url);
    if is_integrations_own(platform)
        && let Ok(mut segments) = url.path_segments_mut()
    {
        segments.push(&integration.id.to_string());
    }
    url
}

/// Where it is to call for all accounts.
pub(crate) fn shared_address(platform: &PlatformSlug, public_url: &Url) -> Url {
    let mut url = public_url.clone();
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().extend(["webhooks", "integrations", platform.as_str()]);
    }
    url
}
