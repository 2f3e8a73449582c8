//! Delivers webhooks: batches, posts, tries again. What an event looks like and how a delivery is
//! signed is the platform's part.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::{Semaphore, mpsc};

use crate::{clock, hubspot};

/// HubSpot sends up to 100 events in one delivery.
const MOST_EVENTS: usize = 100;
/// HubSpot's default for an app's `maxConcurrentRequests`.
const MOST_CONCURRENT: usize = 10;
/// HubSpot waits 5 s for an answer.
const DEADLINE: Duration = Duration::from_secs(5);
/// Between attempts. The platform spreads ten over a day; whoever looks at a demo has less time.
const PAUSES: [Duration; 6] = [
    Duration::from_millis(500),
    Duration::from_secs(2),
    Duration::from_secs(5),
    Duration::from_secs(15),
    Duration::from_secs(60),
    Duration::from_secs(120),
];
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

/// One attempt, as it is shown afterwards.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Delivery {
    pub(crate) at: String,
    pub(crate) account: u64,
    pub(crate) attempt: usize,
    pub(crate) events: usize,
    pub(crate) status: Option<u16>,
    pub(crate) error: Option<String>,
}

#[derive(Debug)]
struct Parcel {
    account: u64,
    webhook: Arc<Webhook>,
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
    pub(crate) fn send(&self, account: u64, webhook: &Arc<Webhook>, events: Vec<Value>) {
        if !events.is_empty() && self.queue.send(Parcel { account, webhook: Arc::clone(webhook), events }).is_err() {
            tracing::debug!(account, "the sandbox is stopping; the change is not told");
        }
    }

    /// The last attempts of an account, newest first.
    pub(crate) fn deliveries(&self, account: u64) -> Vec<Delivery> {
        let log = self.deliveries.lock().unwrap_or_else(PoisonError::into_inner);
        log.iter().rev().filter(|delivery| delivery.account == account).cloned().collect()
    }
}

async fn deliver_all(
    client: reqwest::Client,
    mut parcels: mpsc::UnboundedReceiver<Parcel>,
    log: Arc<Mutex<VecDeque<Delivery>>>,
) {
    let places = Arc::new(Semaphore::new(MOST_CONCURRENT));
    let mut waiting = Vec::new();
    while parcels.recv_many(&mut waiting, MOST_EVENTS).await > 0 {
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
            last.account == parcel.account
                && last.webhook == parcel.webhook
                && last.events.len().saturating_add(parcel.events.len()) <= MOST_EVENTS
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
    mut parcel: Parcel,
    log: &Mutex<VecDeque<Delivery>>,
    place: &mut Option<tokio::sync::OwnedSemaphorePermit>,
) {
    let pauses = PAUSES.iter().copied().map(Some).chain(std::iter::once(None));
    for (attempt, pause) in pauses.enumerate() {
        hubspot::webhooks::number_attempt(&mut parcel.events, attempt);
        let outcome = post(client, &parcel).await;
        remember(log, &parcel, attempt, &outcome);
        drop(place.take());
        if outcome.is_ok_and(|status| (200..300).contains(&status)) {
            return;
        }
        if let Some(pause) = pause {
            tokio::time::sleep(pause).await;
        }
    }
    tracing::warn!(account = parcel.account, events = parcel.events.len(), "a webhook delivery was given up");
}

async fn post(client: &reqwest::Client, parcel: &Parcel) -> Result<u16, reqwest::Error> {
    let body = Value::Array(parcel.events.clone()).to_string();
    let mut request =
        client.post(&parcel.webhook.target_url).timeout(DEADLINE).header("content-type", "application/json");
    for (name, value) in hubspot::webhooks::signature_headers(&parcel.webhook, &body, clock::now()) {
        request = request.header(name, value);
    }
    Ok(request.body(body).send().await?.status().as_u16())
}

fn remember(log: &Mutex<VecDeque<Delivery>>, parcel: &Parcel, attempt: usize, outcome: &Result<u16, reqwest::Error>) {
    let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
    log.push_back(Delivery {
        at: clock::iso(clock::now()),
        account: parcel.account,
        attempt,
        events: parcel.events.len(),
        status: outcome.as_ref().ok().copied(),
        error: outcome.as_ref().err().map(ToString::to_string),
    });
    if log.len() > REMEMBERED {
        log.pop_front();
    }
}
