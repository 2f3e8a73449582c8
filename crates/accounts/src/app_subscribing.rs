//! Seeing to it that platforms tell our app what it has to know of all who let it in. How they are told is `connectors`'; what is an
//! account's own is `subscribing`'s.

use std::time::Duration;

use connectors::account::Account;
use connectors::subscriptions::AppSubscriptions;
use domain::integration::Integration;
use domain::platform::PlatformSlug;
use domain::time::Timestamp;
use persistence::Scope;
use persistence::app_subscriptions::{self as table, Due, Hold};
use tokio::time;
use url::Url;

use crate::accounts::Accounts;
use crate::error::AccountError;
use crate::subscribing::{CHECK_EVERY, shared_address};

/// How soon it is tried again after something was wrong: until then, what changes is found by polls.
const AGAIN_AFTER: Duration = Duration::from_mins(15);

/// How long one process may be at it; who takes longer is cut off before another begins.
const HOLD: Duration = Duration::from_mins(3);
const PATIENCE: Duration = Duration::from_mins(2);

impl Accounts {
    /// Has what our app is told of looked at soon, where the operator has that done: an account was connected.
    pub(crate) async fn ask_app(&self, integration: &Integration) -> Result<(), AccountError> {
        let mut tx = self.database().begin(Scope::Tenant(integration.tenant_id)).await?;
        table::ask(&mut tx, &integration.platform).await?;
        Ok(tx.commit().await?)
    }

    /// Looks after the subscriptions of our app, where somebody asked or nobody has looked for a day.
    ///
    /// # Errors
    /// When the database does not answer; what the platform refuses is noted, and tried again soon.
    pub async fn check_apps(&self, public_url: &Url) -> Result<(), AccountError> {
        for (subscriptions, app) in self.with_app_subscriptions() {
            let mut tx = self.database().begin(Scope::System).await?;
            let now = tx.now().await?;
            let due = Due { well: now.minus(CHECK_EVERY), wrong: now.minus(AGAIN_AFTER) };
            let taken = table::take(&mut tx, &app.platform, due, HOLD).await?;
            tx.commit().await?;
            if let Some(hold) = taken {
                self.see_to_app((subscriptions, &app), public_url, hold).await?;
            }
            self.show(&app.platform, now.minus(CHECK_EVERY * 2)).await?;
        }
        Ok(())
    }

    /// Puts right what is not as it should be, and notes what came of it. What the platform refuses is the operator's to hear of,
    /// and no tenant's: changes are polled for meanwhile.
    async fn see_to_app(
        &self,
        (subscriptions, app): (&'static dyn AppSubscriptions, &Account),
        public_url: &Url,
        hold: Hold,
    ) -> Result<(), AccountError> {
        // After it was taken: whoever asks from now on is heard by the next look.
        let mut tx = self.database().begin(Scope::System).await?;
        let read = table::fields_read(&mut tx, &app.platform).await?;
        tx.commit().await?;
        let url = shared_address(&app.platform, public_url);
        let problem = match time::timeout(PATIENCE, subscriptions.set(app, &url, read.as_ref())).await {
            Ok(Ok(made)) if made.is_empty() => None,
            Ok(Ok(made)) => {
                let missing = &made;
                tracing::info!(platform = %app.platform, made = made.len(), ?missing, "subscriptions of our app were put right");
                None
            }
            Ok(Err(error)) => Some(error.to_string()),
            Err(_elapsed) => Some("the platform takes too long".to_owned()),
        };
        if let Some(problem) = &problem {
            tracing::error!(platform = %app.platform, error = problem, "the platform could not be made to call our app");
        }
        let mut tx = self.database().begin(Scope::System).await?;
        table::note(&mut tx, &app.platform, hold, problem.as_deref()).await?;
        Ok(tx.commit().await?)
    }

    /// Every process shows the same, whoever has looked.
    async fn show(&self, platform: &PlatformSlug, since: Timestamp) -> Result<(), AccountError> {
        let mut tx = self.database().begin(Scope::System).await?;
        let known = table::get(&mut tx, platform, since).await?;
        tx.commit().await?;
        // Whoever is at it shows what was found.
        if known.as_ref().is_some_and(|known| known.is_under_way) {
            return Ok(());
        }
        let is_well = known.is_some_and(|known| known.problem.is_none());
        let shown = metrics::gauge!("coccinelle_app_subscribed", "platform" => platform.to_string());
        shown.set(if is_well { 1.0 } else { 0.0 });
        Ok(())
    }
}
