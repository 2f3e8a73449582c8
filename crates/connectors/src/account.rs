//! An account at a platform, opened: where it is, how we get in, how much it takes. Who may open it is `accounts`' to say.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use domain::credentials::Credentials;
use domain::fault::FaultKind;
use domain::identity::Region;
use domain::platform::PlatformSlug;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::descriptor::KeyShown;
use crate::error::ConnectorError;
use crate::http::Client;

/// A limit that says nothing of when it ends.
const UNSAID: Duration = Duration::from_secs(60);

/// A limit of a moment is often one of a single sort of calls, and whoever met it sits it out.
const MOMENT: Duration = Duration::from_secs(1);

/// Everything that a call needs to know of an account.
#[derive(Clone, Debug)]
pub struct Account {
    /// Which platform.
    pub platform: PlatformSlug,
    /// The platform's own id of the account, where known already.
    pub account_id: Option<String>,
    /// Where the platform's interface begins; a path in it is kept.
    pub base_url: Url,
    /// How we get in.
    pub credentials: Credentials,
    /// How the key, or the access token, is shown: `Connector::shown`.
    pub shown: KeyShown,
    /// By what we call.
    pub http: Client,
    /// How much the account takes, shared by all who call it.
    pub budget: Arc<dyn Budget>,
    /// What is known of it already, shared likewise.
    pub learnt: Learnt,
    /// What the tenant has chosen among the platform's own options; one that is not there stands as it does at first.
    pub options: BTreeMap<String, String>,
    /// Where telephone numbers without a country code are from, ours as well as theirs.
    pub region: Region,
}

/// What a connector has learnt of an account and need not ask again for a while.
///
/// Such as the name by which the platform calls a field of ours: never a secret, and nothing that may not be forgotten.
#[derive(Clone, Debug, Default)]
pub struct Learnt(Arc<Mutex<BTreeMap<String, String>>>);

impl Learnt {
    /// What was learnt under that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// Remembers it.
    pub fn put(&self, name: &str, what: impl Into<String>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), what.into());
    }

    /// It turned out not to be so, or no longer.
    pub fn forget(&self, name: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
    }
}

impl Account {
    /// What the tenant has chosen.
    #[must_use]
    pub fn option(&self, name: &str) -> Option<&str> {
        self.options.get(name).map(String::as_str)
    }

    /// The same account for back-fills and runs: what they ask leaves a share of the budget to what happens now.
    #[must_use]
    pub fn unhurried(self) -> Self {
        let budget = self.budget.unhurried().unwrap_or_else(|| Arc::clone(&self.budget));
        Self { budget, ..self }
    }

    /// The key, or the access token.
    #[must_use]
    pub fn bearer(&self) -> &SecretString {
        match &self.credentials {
            Credentials::ApiKey { key, .. } => key,
            Credentials::Bearer { access_token } => access_token,
        }
    }

    /// Hears why a call was refused: a limit is the whole account's, so nobody calls it until that is over.
    pub(crate) fn heed(&self, refused: &ConnectorError) {
        let pause = refused.retry_after.unwrap_or(UNSAID);
        if refused.kind == FaultKind::RateLimited && pause > MOMENT {
            self.budget.pause(pause);
        }
    }

    /// Every secret that a call shows, none of which belongs into an answer or a log.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = &str> {
        let half = match &self.credentials {
            Credentials::ApiKey { secret, .. } => secret.as_ref(),
            Credentials::Bearer { .. } => None,
        };
        let all = [Some(self.bearer()), half].into_iter().flatten();
        all.map(ExposeSecret::expose_secret).filter(|secret| !secret.is_empty())
    }
}

/// The request budget of one account.
#[async_trait]
pub trait Budget: fmt::Debug + Send + Sync {
    /// Takes room for so many requests.
    ///
    /// # Errors
    /// How long to wait, where there is no room now.
    async fn take(&self, requests: u32) -> Result<(), Duration>;

    /// The same budget for work that nobody waits for: it leaves a share to the others. `None` where none is set apart.
    fn unhurried(&self) -> Option<Arc<dyn Budget>> {
        None
    }

    /// Hears what the platform itself says is left.
    fn correct(&self, remaining: Remaining);

    /// Hears that the platform wants to be left alone for so long, by everybody who calls the account.
    fn pause(&self, pause: Duration);
}

/// What a platform says is left of its limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remaining {
    /// So many requests …
    pub requests: u32,
    /// … in the window of this length; `None` where it does not say.
    pub per: Option<Duration>,
}

/// A budget without bounds: for the one call that tries a tenant's credentials, and for tests.
#[derive(Clone, Copy, Debug)]
pub struct Unlimited;

#[async_trait]
impl Budget for Unlimited {
    async fn take(&self, _requests: u32) -> Result<(), Duration> {
        Ok(())
    }

    fn correct(&self, _remaining: Remaining) {}

    fn pause(&self, _pause: Duration) {}
}
