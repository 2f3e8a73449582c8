//! Making an account call us when something changes there, and seeing that it goes on doing so. When that is looked at is `accounts`'.

mod app;

use async_trait::async_trait;
use domain::fault::FaultKind;
use secrecy::SecretString;
use url::Url;

pub use self::app::{AppSubscriptions, FieldsRead};
use crate::account::Account;
use crate::descriptor::Words;
use crate::error::ConnectorError;

/// What is said where the account's user may not make subscriptions, and somebody else has to, by [`Subscriptions::by_hand`].
pub const BY_HAND: &str =
    "the user who connected the account may not set this up there: an administrator does it by hand";

/// A platform whose webhooks are subscribed account by account, with the account's own credentials.
#[async_trait]
pub trait Subscriptions: Send + Sync {
    /// What there is to subscribe to, one subscription each. A platform that takes many events in one has one topic.
    fn topics(&self) -> &'static [&'static str];

    /// Every subscription that we may see, those of other addresses among them.
    ///
    /// # Errors
    /// When the platform does not answer, or the credentials may not ask.
    async fn list(&self, account: &Account) -> Result<Vec<Subscription>, ConnectorError>;

    /// Makes one.
    ///
    /// # Errors
    /// As [`Self::list`]; `Conflict` where there is one of the same topic and address already.
    async fn subscribe(&self, account: &Account, topic: &'static str, target: &Target) -> Result<New, ConnectorError>;

    /// Takes one away; one that is not there is no failure.
    ///
    /// # Errors
    /// As [`Self::list`].
    async fn unsubscribe(&self, account: &Account, id: &str) -> Result<(), ConnectorError>;

    /// Takes away what is left of subscriptions that somebody took apart by hand, and that [`Self::list`] cannot show; how many.
    ///
    /// # Errors
    /// As [`Self::list`]; what was done until then is done.
    async fn sweep(&self, _account: &Account) -> Result<usize, ConnectorError> {
        Ok(0)
    }

    /// How an administrator makes them by hand, where that takes a right that not every user of an account has.
    fn by_hand(&self) -> Option<Words> {
        None
    }
}

/// Where an account is to call, and by what we know it there.
#[derive(Clone, Debug)]
pub struct Target {
    /// `<public URL>/webhooks/integrations/<platform>`, and `/<integration>` behind it where the integration's own secret
    /// signs (`SecretSource::Integration`).
    pub url: Url,
    /// The integration's secret, where it is ours to choose.
    pub secret: Option<SecretString>,
}

/// A subscription as the platform lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// The platform's id of it.
    pub id: String,
    /// Its topic; one that is not among `topics` is left alone, unless its address is ours.
    pub topic: String,
    /// Where it leads.
    pub url: String,
    /// Whether it still calls: platforms give up on addresses that fail for long.
    pub is_active: bool,
}

/// A subscription that was just made.
#[derive(Clone, Debug, Default)]
pub struct New {
    /// The platform's id of it, where it says so.
    pub id: Option<String>,
    /// The secret that signs its deliveries, where the platform chooses it.
    pub secret: Option<SecretString>,
}

/// What is found of ours.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// The topics that nobody tells us of.
    pub missing: Vec<&'static str>,
    /// The subscriptions that are broken, doubled or of a topic that is no more.
    pub broken: Vec<Subscription>,
}

/// What came of mending them.
#[derive(Clone, Debug, Default)]
pub struct Mended {
    /// The topics that had to be subscribed to.
    pub made: Vec<&'static str>,
    /// How many were taken away.
    pub removed: usize,
    /// The secret that the platform chose, where it did so now.
    pub secret: Option<SecretString>,
}

impl Mended {
    fn note(&mut self, topic: &'static str, new: New) {
        self.made.push(topic);
        self.secret = new.secret.or_else(|| self.secret.take());
    }
}

/// Looks whether each topic is subscribed to once, leads to the target and still calls.
///
/// # Errors
/// When the platform does not answer or refuses.
pub async fn look(
    subscriptions: &dyn Subscriptions,
    account: &Account,
    target: &Target,
) -> Result<Found, ConnectorError> {
    let (mut standing, mut broken) = (Vec::new(), Vec::new());
    for found in ours(subscriptions, account, target).await? {
        match subscriptions.topics().iter().find(|topic| **topic == found.topic) {
            Some(topic) if found.is_active && !standing.contains(topic) => standing.push(topic),
            Some(_) | None => broken.push(found),
        }
    }
    let missing = subscriptions.topics().iter().copied().filter(|topic| !standing.contains(topic)).collect();
    Ok(Found { missing, broken })
}

/// Puts right what was found. May be repeated at any time, and by two at once: what the other has made meanwhile stands.
///
/// # Errors
/// As [`look`]; what was done until then is done.
pub async fn mend(
    subscriptions: &dyn Subscriptions,
    account: &Account,
    target: &Target,
    found: Found,
) -> Result<Mended, ConnectorError> {
    let removed = take_away(subscriptions, account, &found.broken).await?;
    let (mut mended, mut clash) = (Mended { removed, ..Mended::default() }, None);
    for topic in found.missing {
        match subscriptions.subscribe(account, topic, target).await {
            Ok(new) => mended.note(topic, new),
            Err(error) if error.kind == FaultKind::Conflict => clash = Some(error),
            Err(error) => return Err(error),
        }
    }
    let Some(error) = clash else { return Ok(mended) };
    // Whether somebody was faster is seen by looking again.
    if look(subscriptions, account, target).await?.missing.is_empty() { Ok(mended) } else { Err(error) }
}

/// Makes every subscription anew, since those that are there call by another secret. They go last, so that nothing that happens
/// meanwhile is told by none.
///
/// # Errors
/// As [`look`]; what was done until then is done.
pub async fn replace(
    subscriptions: &dyn Subscriptions,
    account: &Account,
    target: &Target,
) -> Result<Mended, ConnectorError> {
    let replaced = ours(subscriptions, account, target).await?;
    let mut mended = Mended::default();
    for &topic in subscriptions.topics() {
        let new = subscriptions.subscribe(account, topic, target).await?;
        mended.note(topic, new);
    }
    mended.removed = take_away(subscriptions, account, &replaced).await?;
    Ok(mended)
}

/// Takes away every subscription that leads to the target; returns how many there were.
///
/// # Errors
/// As [`look`]; what was done until then is done.
pub async fn remove(
    subscriptions: &dyn Subscriptions,
    account: &Account,
    target: &Target,
) -> Result<usize, ConnectorError> {
    let found = ours(subscriptions, account, target).await?;
    take_away(subscriptions, account, &found).await
}

/// What else is left of subscriptions goes with them. It calls nobody, so that it is no failure where it stays.
async fn take_away(
    subscriptions: &dyn Subscriptions,
    account: &Account,
    all: &[Subscription],
) -> Result<usize, ConnectorError> {
    for subscription in all {
        subscriptions.unsubscribe(account, &subscription.id).await?;
    }
    let swept = subscriptions.sweep(account).await.unwrap_or_else(|error| {
        tracing::warn!(platform = %account.platform, %error, "what is left of subscriptions could not be taken away");
        0
    });
    Ok(all.len().saturating_add(swept))
}

async fn ours(
    subscriptions: &dyn Subscriptions,
    account: &Account,
    target: &Target,
) -> Result<Vec<Subscription>, ConnectorError> {
    let mut found = subscriptions.list(account).await?;
    found.retain(|subscription| subscription.url.trim_end_matches('/') == target.url.as_str().trim_end_matches('/'));
    Ok(found)
}
