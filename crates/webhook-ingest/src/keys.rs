//! The secrets of single integrations, opened and kept at hand: deliveries must not wait for the database.

use std::sync::Arc;
use std::time::{Duration, Instant};

use accounts::{Accepted, WebhookSecrets};
use domain::id::IntegrationId;
use moka::future::Cache;
use tokio::sync::Semaphore;

use crate::door::Refusal;

#[cfg(test)]
mod tests;

/// For how long a secret counts as the present one. An older one still serves while the database is away.
const FRESH: Duration = Duration::from_secs(900);

/// A secret that did not verify a delivery is looked up again, in case it was replaced, but no more often than this.
const AGAIN: Duration = Duration::from_secs(10);

/// Integrations whose secrets are kept at once; what nobody knows is kept as well, so that it is not looked up each time.
const KEPT: u64 = 100_000;

/// Lookups at once: a stranger who makes up addresses must not use up the database.
const LOOKUPS: usize = 4;

/// The secrets at hand.
#[derive(Debug)]
pub(crate) struct Keys {
    /// `None` where there is no key ring to open any with.
    secrets: Option<WebhookSecrets>,
    known: Cache<IntegrationId, Arc<Known>>,
    lookups: Semaphore,
}

#[derive(Debug)]
struct Known {
    /// `None` where there is no such integration, or it has no secret.
    accepted: Option<Accepted>,
    since: Instant,
}

impl Keys {
    pub(crate) fn new(secrets: Option<WebhookSecrets>) -> Self {
        Self { secrets, known: Cache::builder().max_capacity(KEPT).build(), lookups: Semaphore::new(LOOKUPS) }
    }

    /// The secrets that verify deliveries for an integration.
    ///
    /// # Errors
    /// Unknown where there are none, and unavailable where nobody can say now: never a pass.
    pub(crate) async fn of(&self, integration: Option<IntegrationId>) -> Result<Accepted, Refusal> {
        let integration = integration.ok_or(Refusal::UnknownAddress)?;
        self.not_older_than(FRESH, integration).await
    }

    /// The same after one of them has not verified a delivery: somebody may just have replaced it. `None` where that was
    /// looked up a moment ago.
    pub(crate) async fn anew(&self, integration: Option<IntegrationId>) -> Option<Accepted> {
        let integration = integration?;
        let is_new = self.known.get(&integration).await.is_some_and(|known| known.since.elapsed() < AGAIN);
        if is_new { None } else { self.not_older_than(AGAIN, integration).await.ok() }
    }

    async fn not_older_than(&self, age: Duration, integration: IntegrationId) -> Result<Accepted, Refusal> {
        let kept = self.known.get(&integration).await;
        let known = match kept.filter(|known| known.since.elapsed() < age) {
            Some(known) => known,
            None => self.look_up(integration).await?,
        };
        known.accepted.clone().ok_or(Refusal::UnknownAddress)
    }

    async fn look_up(&self, integration: IntegrationId) -> Result<Arc<Known>, Refusal> {
        let secrets = self.secrets.as_ref().ok_or(Refusal::KeyUnavailable)?;
        let Ok(_lookup) = self.lookups.acquire().await else { return Err(Refusal::KeyUnavailable) };
        match secrets.accepted(integration).await {
            Ok(accepted) => {
                let known = Arc::new(Known { accepted, since: Instant::now() });
                self.known.insert(integration, Arc::clone(&known)).await;
                Ok(known)
            }
            Err(error) => {
                tracing::warn!(%error, integration.id = %integration, "the secret of an integration cannot be looked up");
                self.known.get(&integration).await.ok_or(Refusal::KeyUnavailable)
            }
        }
    }
}
