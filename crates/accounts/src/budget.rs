//! The request budget of an account, shared by all processes through the database. How much there is, its platform says.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use connectors::account::{Budget, Remaining};
use connectors::descriptor::Limits;
use domain::budget::{Lease, Purpose, Rate};
use domain::integration::Integration;
use domain::platform::PlatformSlug;
use moka::sync::Cache;
use persistence::{Database, Scope, budgets};

/// How long requests that were leased may be spent: what is older was meant for another second.
const LEASE: Duration = Duration::from_secs(1);

/// A caller comes again after this while the database that holds the budgets is away.
const WITHOUT_DATABASE: Duration = Duration::from_secs(2);

/// An answer may ask for anything: after so long somebody looks whether it is still so.
const LONGEST_PAUSE: Duration = Duration::from_secs(3_600);

/// A longer wait is none for a bucket to fill: the platform is to be left alone, by what is not counted as well.
const REST: Duration = Duration::from_secs(10);

/// Budgets that nobody asked for are forgotten after this.
const IDLE: Duration = Duration::from_secs(600);

/// Under which name the budget of an integration's account is kept. One that is not known by name yet is at least the
/// integration's own.
#[must_use]
pub fn budget_of(integration: &Integration) -> String {
    integration.account_id.clone().unwrap_or_else(|| integration.id.to_string())
}

/// Every budget that this process takes from.
#[derive(Clone)]
pub(crate) struct Budgets {
    database: Database,
    /// Apart from the opened accounts, which come and go: what was leased must not be forgotten with them.
    known: Cache<(PlatformSlug, String), Arc<Leased>>,
}

impl Budgets {
    pub(crate) fn new(database: Database) -> Self {
        Self { database, known: Cache::builder().max_capacity(100_000).time_to_idle(IDLE).build() }
    }

    /// The budget of one account, whoever opened it.
    pub(crate) fn of(&self, platform: &PlatformSlug, account_id: &str, limits: Limits) -> Arc<dyn Budget> {
        let key = (platform.clone(), account_id.to_owned());
        self.known.get_with(key.clone(), || {
            let resting = Arc::<Mutex<Option<Instant>>>::default();
            let leased = |purpose, unhurried| Leased {
                database: self.database.clone(),
                platform: key.0.clone(),
                account_id: key.1.clone(),
                rate: rate(limits),
                purpose,
                unhurried,
                slice: Arc::default(),
                resting: Arc::clone(&resting),
                asking: tokio::sync::Mutex::default(),
            };
            let unhurried = Arc::new(leased(Purpose::BackFill, None));
            Arc::new(leased(Purpose::Live, Some(unhurried)))
        })
    }
}

impl fmt::Debug for Budgets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Budgets").field("known", &self.known.entry_count()).finish_non_exhaustive()
    }
}

/// A budget of which slices of half a second are leased from the database.
#[derive(Debug)]
struct Leased {
    database: Database,
    platform: PlatformSlug,
    account_id: String,
    rate: Rate,
    purpose: Purpose,
    /// The same budget for what nobody waits for; of that one, `None`.
    unhurried: Option<Arc<Self>>,
    slice: Arc<Mutex<Slice>>,
    /// Until when the platform is to be left alone, as far as this process knows.
    resting: Arc<Mutex<Option<Instant>>>,
    /// Held by the one who asks the database; the others wait, and share what it is granted.
    asking: tokio::sync::Mutex<()>,
}

/// What is left of the last lease.
#[derive(Debug, Default)]
struct Slice {
    requests: u32,
    leased_at: Option<Instant>,
}

impl Slice {
    fn left(&self) -> u32 {
        if self.leased_at.is_some_and(|at| at.elapsed() < LEASE) { self.requests } else { 0 }
    }
}

/// So fast that in any of the platform's windows no more than its limit is sent: a twentieth at once, nine tenths of it steadily,
/// and the rest for slices that were leased before the window and are spent within it. Of small limits two at once, one for
/// either purpose, and so much less steadily.
fn rate(limits: Limits) -> Rate {
    let (requests, burst) = (f64::from(limits.requests), (limits.requests / 20).max(2));
    let steadily = (0.95 * requests - f64::from(burst)).max(0.05 * requests);
    Rate { per_second: steadily / limits.per.as_secs_f64().max(0.001), burst }
}

impl Leased {
    fn spend(&self, requests: u32) -> bool {
        let mut slice = self.slice.lock().unwrap_or_else(PoisonError::into_inner);
        let left = slice.left().checked_sub(requests);
        slice.requests = left.unwrap_or(slice.requests);
        left.is_some()
    }

    fn rest(&self, wait: Option<Duration>) {
        let until = wait.filter(|wait| *wait > REST).map(|wait| Instant::now() + wait);
        *self.resting.lock().unwrap_or_else(PoisonError::into_inner) = until;
    }

    fn rest_left(&self) -> Option<Duration> {
        let until = (*self.resting.lock().unwrap_or_else(PoisonError::into_inner))?;
        Some(until.saturating_duration_since(Instant::now())).filter(|left| !left.is_zero())
    }

    fn add(&self, requests: u32) {
        let mut slice = self.slice.lock().unwrap_or_else(PoisonError::into_inner);
        *slice = Slice { requests: slice.left().saturating_add(requests), leased_at: Some(Instant::now()) };
    }
}

/// Forgets what the platform says is not there; whether anything was forgotten.
fn cut(slice: &Mutex<Slice>, requests: u32) -> bool {
    let mut slice = slice.lock().unwrap_or_else(PoisonError::into_inner);
    let is_less = slice.requests > requests;
    slice.requests = slice.requests.min(requests);
    is_less
}

#[async_trait]
impl Budget for Leased {
    async fn take(&self, requests: u32) -> Result<(), Duration> {
        // What is not counted asks nobody, and rests with the others.
        if requests == 0 {
            return self.rest_left().map_or(Ok(()), Err);
        }
        if self.spend(requests) {
            return Ok(());
        }
        let _asking = self.asking.lock().await;
        let wanted = (self.purpose, u32::MAX);
        while !self.spend(requests) {
            match budgets::take(&self.database, &self.platform, &self.account_id, wanted, self.rate).await {
                Ok(Lease::Granted(granted)) => {
                    self.rest(None);
                    self.add(granted);
                }
                Ok(Lease::Wait(wait)) => {
                    self.rest(Some(wait));
                    return Err(wait);
                }
                Err(error) => {
                    tracing::warn!(%error, platform = %self.platform, "no budget can be leased");
                    return Err(WITHOUT_DATABASE);
                }
            }
        }
        Ok(())
    }

    fn unhurried(&self) -> Option<Arc<dyn Budget>> {
        let unhurried: Arc<dyn Budget> = self.unhurried.clone()?;
        Some(unhurried)
    }

    fn correct(&self, remaining: Remaining) {
        // The bucket would fill again at once, by the platform's usual rate.
        if let Some(per) = remaining.per.filter(|_| remaining.requests == 0) {
            return self.pause(per);
        }
        if let Some(unhurried) = &self.unhurried {
            cut(&unhurried.slice, remaining.requests);
        }
        // As long as more is left than we hold, the count in the database is at least as strict.
        if !cut(&self.slice, remaining.requests) {
            return;
        }
        let (database, platform, account_id) = (self.database.clone(), self.platform.clone(), self.account_id.clone());
        tokio::spawn(async move {
            let corrected = async {
                let mut tx = database.begin(Scope::System).await?;
                budgets::correct(&mut tx, &platform, &account_id, remaining.requests).await?;
                tx.commit().await
            };
            if let Err(error) = corrected.await {
                tracing::warn!(%error, %platform, "a budget could not be corrected");
            }
        });
    }

    fn pause(&self, pause: Duration) {
        let pause = pause.min(LONGEST_PAUSE);
        self.rest(Some(pause));
        let unhurried = self.unhurried.iter().map(|unhurried| Arc::clone(&unhurried.slice));
        let slices: Vec<_> = unhurried.chain([Arc::clone(&self.slice)]).collect();
        for slice in &slices {
            cut(slice, 0);
        }
        let (database, platform, account_id) = (self.database.clone(), self.platform.clone(), self.account_id.clone());
        tokio::spawn(async move {
            let paused = async {
                let mut tx = database.begin(Scope::System).await?;
                budgets::pause(&mut tx, &platform, &account_id, pause).await?;
                tx.commit().await
            };
            match paused.await {
                Ok(()) => {
                    tracing::info!(%platform, seconds = pause.as_secs(), "an account is left alone for its limit")
                }
                Err(error) => tracing::warn!(%error, %platform, "an account could not be paused"),
            }
            // What was leased while that was written down.
            for slice in &slices {
                cut(slice, 0);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_window_of_the_platform_sees_more_than_its_limit() {
        for (requests, seconds) in [(190, 10), (100, 10), (40, 1), (1_000, 60), (10, 1), (16, 2), (60, 60)] {
            let rate = rate(Limits { requests, per: Duration::from_secs(seconds), batch: 100 });
            let slice = rate.per_second / 2.0;
            let window = f64::from(rate.burst) + rate.per_second * Duration::from_secs(seconds).as_secs_f64();
            assert!(window <= f64::from(requests), "{window} of {requests}");
            assert!(seconds < 5 || window + slice <= f64::from(requests), "{window} + {slice} of {requests}");
        }
    }
}
