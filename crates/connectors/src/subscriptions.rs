//! Making an account call us when something changes there, and seeing that it goes on doing so. When that is looked at is `accounts`'.

use async_trait::async_trait;
use secrecy::SecretString;
use url::Url;

use crate::account::Account;
use crate::error::ConnectorError;

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

/// What came of looking after subscriptions.
#[derive(Clone, Debug, Default)]
pub struct Ensured {
    /// The topics that had to be subscribed to.
    pub made: Vec<&'static str>,
    /// How many were taken away since they were broken, doubled or of a topic that is no more.
    pub removed: usize,
    /// The secret that the platform chose, where it did so now.
    pub secret: Option<SecretString>,
}

/// Makes sure that each topic is subscribed to once, leads to the target and still calls. May be repeated at any time.
///
/// # Errors
/// When the platform does not answer or refuses; what was done until then is done.
pub async fn ensure(
    subscriptions: &dyn Subscriptions,
    account: &Account,
    target: &Target,
) -> Result<Ensured, ConnectorError> {
    let mut ensured = Ensured::default();
    let mut standing: Vec<&'static str> = Vec::new();
    for found in ours(subscriptions, account, target).await? {
        let topic = subscriptions.topics().iter().find(|topic| **topic == found.topic);
        match topic {
            Some(topic) if found.is_active && !standing.contains(topic) => standing.push(topic),
            Some(_) | None => {
                subscriptions.unsubscribe(account, &found.id).await?;
                ensured.removed += 1;
            }
        }
    }
    for topic in subscriptions.topics().iter().filter(|topic| !standing.contains(topic)) {
        let new = subscriptions.subscribe(account, topic, target).await?;
        ensured.made.push(topic);
        ensured.secret = new.secret.or(ensured.secret);
    }
    Ok(ensured)
}

/// Takes away every subscription that leads to the target; returns how many there were.
///
/// # Errors
/// As [`ensure`].
pub async fn remove(
    subscriptions: &dyn Subscriptions,
    account: &Account,
    target: &Target,
) -> Result<usize, ConnectorError> {
    let found = ours(subscriptions, account, target).await?;
    for subscription in &found {
        subscriptions.unsubscribe(account, &subscription.id).await?;
    }
    Ok(found.len())
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
