//! Delivers webhooks: batches, posts, tries again. What an event looks like, how a delivery is signed and
//! how often it is tried is the platform's part: its [`Carrier`]'s.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::{Semaphore, mpsc};

use crate::clock;

/// As many parcels are looked at together.
const MOST_PARCELS: usize = 100;
/// HubSpot's default for an app's `maxConcurrentRequests`.
const MOST_CONCURRENT: usize = 10;
const REMEMBERED: usize = 500;

/// A secret that is written to the settings' file and shown nowhere else.
#[derive(Clone, Deserialize, Eq, PartialEq, Serialize)]
#[serde(transparent)]
pub(crate) struct Secret(pub(crate) String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

/// Where an account's changes are told.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Webhook {
    pub(crate) target_url: String,
    /// The address that is signed, where a proxy stands before the target.
    #[serde(default)]
    pub(crate) public_url: Option<String>,
    pub(crate) client_secret: Secret,
}

impl Webhook {
    pub(crate) fn signed_url(&self) -> &str {
        self.public_url.as_deref().unwrap_or(&self.target_url)
    }
}

/// What is posted.
#[derive(Debug)]
pub(crate) struct Letter {
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
}

/// How events get from one account to one place.
pub(crate) trait Carrier: std::fmt::Debug + Send + Sync {
    /// The place.
    fn url(&self) -> &str;

    /// How many events one delivery may hold.
    fn most_events(&self) -> usize;

    /// How long an answer is waited for.
    fn deadline(&self) -> Duration;

    /// Between attempts; none where there is only one.
    fn pauses(&self) -> &'static [Duration];

    /// The delivery of these events; the first attempt is 0.
    fn write(&self, events: &[Value], attempt: usize) -> Letter;

    /// Whether an answer of this status ends the attempts.
    fn is_content(&self, status: u16) -> bool {
        (200..300).contains(&status)
    }

    /// Hears what came of an attempt.
    fn hear(&self, _delivered: bool) {}
}

/// One attempt, as it is shown afterwards.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Delivery {
    pub(crate) at: String,
    pub(crate) platform: &'static str,
    pub(crate) account: String,
    pub(crate) url: String,
    pub(crate) attempt: usize,
    pub(crate) events: usize,
    pub(crate) status: Option<u16>,
    pub(crate) error: Option<String>,
}

#[derive(Debug)]
struct Parcel {
    platform: &'static str,
    account: String,
    carrier: Arc<dyn Carrier>,
    events: Vec<Value>,
}

/// Takes events and returns at once.
#[derive(Clone, Debug)]
pub(crate) struct Sender {
    queue: mpsc::UnboundedSender<Parcel>,
    deliveries: Arc<Mutex<VecDeque<Delivery>>>,
}

impl Sender {
    /// The sender, and the task that must run for it to deliver.
    pub(crate) fn new(client: reqwest::Client) -> (Self, impl Future<Output = ()>) {
        let (queue, parcels) = mpsc::unbounded_channel();
        let sender = Self { queue, deliveries: Arc::default() };
        let log = Arc::clone(&sender.deliveries);
        (sender, deliver_all(client, parcels, log))
    }

    /// Queues the events of one change; their order is kept within a delivery.
    pub(crate) fn send(
        &self,
        (platform, account): (&'static str, &str),
        carrier: &Arc<dyn Carrier>,
        events: Vec<Value>,
    ) {
        let parcel = Parcel { platform, account: account.to_owned(), carrier: Arc::clone(carrier), events };
        if !parcel.events.is_empty() && self.queue.send(parcel).is_err() {
            tracing::debug!(account, "the sandbox is stopping; the change is not told");
        }
    }

    /// The last attempts of an account, newest first.
    pub(crate) fn deliveries(&self, platform: &str, account: &str) -> Vec<Delivery> {
        let log = self.deliveries.lock().unwrap_or_else(PoisonError::into_inner);
        let is_theirs = |delivery: &&Delivery| delivery.platform == platform && delivery.account == account;
        log.iter().rev().filter(is_theirs).cloned().collect()
    }
}

async fn deliver_all(
    client: reqwest::Client,
    mut parcels: mpsc::UnboundedReceiver<Parcel>,
    log: Arc<Mutex<VecDeque<Delivery>>>,
) {
    let places = Arc::new(Semaphore::new(MOST_CONCURRENT));
    let mut waiting = Vec::new();
    while parcels.recv_many(&mut waiting, MOST_PARCELS).await > 0 {
        for parcel in merge(std::mem::take(&mut waiting)) {
            let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
            let (client, log) = (client.clone(), Arc::clone(&log));
            tokio::spawn(async move {
                // The place is given back before the pauses: a target that is down must not hold up another.
                let mut place = Some(place);
                deliver(&client, parcel, &log, &mut place).await;
            });
        }
    }
}

/// Joins neighbours that go to the same place, up to what one delivery holds.
fn merge(parcels: Vec<Parcel>) -> Vec<Parcel> {
    let mut merged: Vec<Parcel> = Vec::new();
    for parcel in parcels {
        let fits = |last: &&mut Parcel| {
            (last.platform, &last.account) == (parcel.platform, &parcel.account)
                && Arc::ptr_eq(&last.carrier, &parcel.carrier)
                && last.events.len().saturating_add(parcel.events.len()) <= last.carrier.most_events()
        };
        match merged.last_mut().filter(fits) {
            Some(last) => last.events.extend(parcel.events),
            None => merged.push(parcel),
        }
    }
    merged
}

async fn deliver(
    client: &reqwest::Client,
    parcel: Parcel,
    log: &Mutex<VecDeque<Delivery>>,
    place: &mut Option<tokio::sync::OwnedSemaphorePermit>,
) {
    let pauses = parcel.carrier.pauses().iter().copied().map(Some).chain(std::iter::once(None));
    for (attempt, pause) in pauses.enumerate() {
        let outcome = post(client, &parcel, attempt).await;
        remember(log, &parcel, attempt, &outcome);
        drop(place.take());
        let is_delivered = outcome.is_ok_and(|status| parcel.carrier.is_content(status));
        parcel.carrier.hear(is_delivered);
        if is_delivered {
            return;
        }
        if let Some(pause) = pause {
            tokio::time::sleep(pause).await;
        }
    }
    tracing::warn!(account = %parcel.account, events = parcel.events.len(), "a webhook delivery was given up");
}

async fn post(client: &reqwest::Client, parcel: &Parcel, attempt: usize) -> Result<u16, reqwest::Error> {
    let letter = parcel.carrier.write(&parcel.events, attempt);
    let mut request = client.post(parcel.carrier.url()).timeout(parcel.carrier.deadline());
    for (name, value) in letter.headers {
        request = request.header(name, value);
    }
    Ok(request.body(letter.body).send().await?.status().as_u16())
}

fn remember(log: &Mutex<VecDeque<Delivery>>, parcel: &Parcel, attempt: usize, outcome: &Result<u16, reqwest::Error>) {
    let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
    log.push_back(Delivery {
        at: clock::iso(clock::now()),
        platform: parcel.platform,
        account: parcel.account.clone(),
        url: parcel.carrier.url().to_owned(),
        attempt,
        events: parcel.events.len(),
        status: outcome.as_ref().ok().copied(),
        error: outcome.as_ref().err().map(ToString::to_string),
    });
    if log.len() > REMEMBERED {
        log.pop_front();
    }
}
