//! Looking for news once a second, for each tenant of whom somebody wants to hear, and telling all who do. How it is sent is
//! `stream`'s.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::id::TenantId;
use domain::time::Timestamp;
use persistence::live::{self, Item, Watched};
use persistence::log_page::LogCursor;
use persistence::{Database, PersistenceError, Scope, sessions};
use tokio::sync::broadcast::{self, Receiver, Sender};
use tokio_util::sync::CancellationToken;

/// How often news is looked for.
const EVERY: Duration = Duration::from_secs(1);

/// How late a row may be written and still be news: its time is that of the attempt.
const LATE: Duration = Duration::from_mins(2);

/// Rows of one kind that one look finds at most.
const LIMIT: u32 = 1_000;

/// Events that wait for a slow reader; beyond, it is told that it missed some.
const WAITING: usize = 2_048;

/// Something that happened.
#[derive(Debug)]
pub(super) struct Event {
    /// Its place in the logs, from which a reader may go on; `None` of what stands in none.
    pub(super) place: Option<LogCursor>,
    /// What kind of thing.
    pub(super) name: &'static str,
    /// What is told, as JSON on one line.
    pub(super) data: String,
}

impl Event {
    pub(super) fn of(watched: Watched, item: &Item) -> Self {
        let name = match watched {
            Watched::Attempts => "attempt",
            Watched::Deliveries => "delivery",
            Watched::Health => "health",
            Watched::Runs => "run",
        };
        let place = item.made_at().map(|created_at| LogCursor { created_at, id: item.id.clone() });
        Self { place, name, data: item.told.to_string() }
    }
}

/// What was told of a tenant already: which state of what, and when it was last there.
type Told = BTreeMap<(Watched, String), (String, Timestamp)>;

/// Those who listen to one tenant's news.
#[derive(Debug)]
struct Channel {
    sender: Sender<Arc<Event>>,
    /// `None` until somebody has looked for the first time.
    told: tokio::sync::Mutex<Option<Told>>,
}

/// Where news is looked for and told. It knows no tenant to whom nobody listens.
#[derive(Debug)]
pub(crate) struct Hub {
    database: Database,
    channels: Mutex<HashMap<TenantId, Arc<Channel>>>,
    /// How many may listen to one tenant.
    limit: usize,
}

/// Why nobody listens.
pub(super) enum Deaf {
    /// As many listen as may.
    TooMany,
    /// The database does not answer.
    Away(PersistenceError),
}

impl Hub {
    /// A hub at which so many may listen to one tenant.
    pub(crate) fn new(database: Database, limit: usize) -> Self {
        Self { database, channels: Mutex::default(), limit }
    }

    /// Everything that happens to a tenant from now on.
    pub(super) async fn listen(&self, tenant: TenantId) -> Result<Receiver<Arc<Event>>, Deaf> {
        let (channel, receiver) = self.join(tenant).ok_or(Deaf::TooMany)?;
        let mut told = channel.told.lock().await;
        if told.is_none() {
            // What is there already is no news.
            let mut all = Told::new();
            self.look(tenant, &mut all).await.map_err(Deaf::Away)?;
            *told = Some(all);
        }
        drop(told);
        Ok(receiver)
    }

    fn join(&self, tenant: TenantId) -> Option<(Arc<Channel>, Receiver<Arc<Event>>)> {
        let mut channels = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
        let channel = channels
            .entry(tenant)
            .or_insert_with(|| Arc::new(Channel { sender: Sender::new(WAITING), told: tokio::sync::Mutex::default() }));
        let is_full = channel.sender.receiver_count() >= self.limit;
        (!is_full).then(|| (channel.clone(), channel.sender.subscribe()))
    }

    /// Whether a session of the tenant stands.
    pub(super) async fn knows(&self, tenant: TenantId, id_hash: &str) -> Result<bool, PersistenceError> {
        let mut tx = self.database.begin(Scope::Tenant(tenant)).await?;
        let found = sessions::find(&mut tx, tenant, id_hash).await?;
        tx.commit().await?;
        Ok(found.is_some())
    }

    /// Rows of the logs behind a place, the oldest first.
    pub(super) async fn since(&self, tenant: TenantId, place: &LogCursor) -> Result<Vec<Event>, PersistenceError> {
        let mut events = Vec::new();
        let mut tx = self.database.begin(Scope::Tenant(tenant)).await?;
        for watched in [Watched::Attempts, Watched::Deliveries] {
            let items = live::look(&mut tx, tenant, watched, (place.created_at, LIMIT)).await?;
            events.extend(items.iter().map(|item| Event::of(watched, item)));
        }
        tx.commit().await?;
        let key = |place: &LogCursor| (place.created_at, place.id.clone());
        events.retain(|event| event.place.as_ref().is_some_and(|of| key(of) > key(place)));
        events.sort_by_key(|event| event.place.as_ref().map(key));
        Ok(events)
    }

    /// Looks for news until `shutdown`; then every stream ends.
    pub(crate) async fn run(&self, shutdown: &CancellationToken) {
        let mut ticks = tokio::time::interval(EVERY);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while shutdown.run_until_cancelled(ticks.tick()).await.is_some() {
            for (tenant, channel) in self.heard() {
                if let Some(Err(error)) = shutdown.run_until_cancelled(self.tell(tenant, &channel)).await {
                    let error: &dyn std::error::Error = &error;
                    tracing::warn!(error, tenant.id = %tenant, "news was not looked for; it is told later");
                }
            }
        }
        self.channels.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Those to whom somebody listens; the others are forgotten.
    fn heard(&self) -> Vec<(TenantId, Arc<Channel>)> {
        let mut channels = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
        channels.retain(|_, channel| channel.sender.receiver_count() > 0);
        channels.iter().map(|(tenant, channel)| (*tenant, channel.clone())).collect()
    }

    async fn tell(&self, tenant: TenantId, channel: &Channel) -> Result<(), PersistenceError> {
        let mut told = channel.told.lock().await;
        let Some(told) = told.as_mut() else { return Ok(()) };
        for event in self.look(tenant, told).await? {
            // Nobody listens any more: an error that is none.
            channel.sender.send(Arc::new(event)).ok();
        }
        Ok(())
    }

    /// What was not told yet; it counts as told from then on.
    async fn look(&self, tenant: TenantId, told: &mut Told) -> Result<Vec<Event>, PersistenceError> {
        let now = Timestamp::now();
        let mut news = Vec::new();
        // As the tenant: row-level security shows nobody two of them in one question.
        let mut tx = self.database.begin(Scope::Tenant(tenant)).await?;
        for watched in Watched::ALL {
            for item in live::look(&mut tx, tenant, watched, (now.minus(LATE), LIMIT)).await? {
                let known = told.insert((watched, item.id.clone()), (item.state.clone(), now));
                if known.is_none_or(|(state, _)| state != item.state) {
                    news.push(Event::of(watched, &item));
                }
            }
        }
        tx.commit().await?;
        told.retain(|_, (_, seen_at)| *seen_at == now);
        Ok(news)
    }
}

/// The next event; `Ok(None)` where the reader was too slow and missed some, `Err` where there will be no more.
pub(super) async fn next(receiver: &mut Receiver<Arc<Event>>) -> Result<Option<Arc<Event>>, ()> {
    match receiver.recv().await {
        Ok(event) => Ok(Some(event)),
        Err(broadcast::error::RecvError::Lagged(_)) => Ok(None),
        Err(broadcast::error::RecvError::Closed) => Err(()),
    }
}
