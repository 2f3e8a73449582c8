//! Telling Coccinelle's backend what it does not hold: one link at a time, under its lease, until it has answered 2xx.

mod catch_up;
mod notices;
mod statuses;
mod tidings;

use std::{sync::Arc, time::Duration};

use domain::id::{LeaseToken, RecordId, TenantId};
use domain::message::BackendTell;
use domain::notice::News;
use domain::outcome::SyncError;
use domain::retry::{Asked, RetrySchedule};
use domain::trace::TraceParent;
use messaging::Context;
use messaging::consumer::Handler;
use persistence::records::links::{self, Told, Untold};
use persistence::records::store;
use persistence::{Scope, Transaction};
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::backend::Untaken;
use crate::engine::{DispatchError, Engine};

pub(crate) use catch_up::{announce_overdue, catch_up};
pub(crate) use statuses::{proclaim_statuses, tell_statuses};
pub(crate) use tidings::{Kinds, Tidings, kinds_of};

/// What is left of a lease for committing, at least.
const REST: Duration = Duration::from_secs(5);

/// Tells the backend about one record.
#[derive(Clone, Debug)]
pub(crate) struct Tell {
    pub(crate) engine: Engine,
    /// Those who read or write down at once what is told. More may wait for the backend.
    pub(crate) places: Arc<Semaphore>,
    /// Ends the wait for a backend that is away.
    pub(crate) stop: CancellationToken,
}

impl Handler<BackendTell> for Tell {
    type Error = DispatchError;

    async fn handle(&self, message: &BackendTell, context: &Context) -> Result<(), DispatchError> {
        let engine = &self.engine;
        if !engine.backend.is_known() {
            return Ok(());
        }
        // Whatever waits here waits for the same one, so the queue may stand: sending it round and round would tell nobody more.
        while let Some(until) = engine.backend.paused_until() {
            if self.stop.run_until_cancelled(sleep_until(until)).await.is_none() {
                let wait = until.saturating_duration_since(Instant::now());
                return later(engine, *message, context.trace, wait).await;
            }
        }
        match tell(engine, &self.places, *message).await? {
            None | Some(Told::Everything | Told::Refused(_)) => Ok(()),
            Some(Told::More(None)) => engine.announce_telling(&[*message], context.trace).await,
            Some(Told::More(Some(wait)) | Told::Later(wait, _)) => later(engine, *message, context.trace, wait).await,
        }
    }
}

async fn later(engine: &Engine, tell: BackendTell, trace: TraceParent, wait: Duration) -> Result<(), DispatchError> {
    Ok(engine.broker.park(&tell, &Context::continuing(trace), wait).await?)
}

/// Tells what is owed on one link; `None` where nothing is, or somebody else is telling it.
async fn tell(engine: &Engine, places: &Semaphore, tell: BackendTell) -> Result<Option<Told>, DispatchError> {
    // Nobody closes it.
    let place = places.acquire().await.ok();
    let token = LeaseToken::new();
    // Long enough for one notice whatever the settings say: one that never had the time would be announced again for ever.
    let lease = engine.settings.lease.max(engine.backend.settings.timeout + 2 * REST);
    let mut tx = engine.database.begin(Scope::System).await?;
    let Some(untold) = links::lease_untold(&mut tx, tell, token, lease).await? else {
        tx.commit().await?;
        return Ok(None);
    };
    let news = notices::news(&mut tx, tell.tenant_id, &untold).await?;
    tx.commit().await?;
    drop(place);
    let deadline = Instant::now() + lease.saturating_sub(REST);
    let (mut taken, mut failure) = (Vec::new(), None);
    for news in news {
        if Instant::now() + engine.backend.settings.timeout > deadline {
            // The rest is told under another lease.
            break;
        }
        let occasion = format!("{} {}", tell.link_id, untold.synced_version);
        match send(engine, &occasion, &news).await {
            Ok(()) => taken.push(news),
            Err(untaken) => {
                failure = Some(untaken);
                break;
            }
        }
    }
    let _place = places.acquire().await.ok();
    settle(engine, (tell, token), untold.record, taken, failure).await
}

/// Sends one notice. Its id stays the same however often it is sent, as long as it says the same.
async fn send(engine: &Engine, occasion: &str, news: &News) -> Result<(), Untaken> {
    let (id, body) = notices::body(occasion, news);
    let taken = engine.backend.tell(&id, body).await;
    let outcome = match &taken {
        Ok(()) => "taken",
        Err(Untaken::Away(_)) => "away",
        Err(Untaken::Refused(_)) => "refused",
    };
    let labels = [("type", news.notice_type().as_str()), ("outcome", outcome)];
    metrics::counter!("coccinelle_backend_notices_total", &labels).increment(1);
    taken
}

/// Keeps what the backend took, and gives the link back. `None` where it is held no longer.
///
/// Under the record's lock, so that what is left is known: nothing of it changes meanwhile.
async fn settle(
    engine: &Engine,
    (tell, token): (BackendTell, LeaseToken),
    record: RecordId,
    taken: Vec<News>,
    failure: Option<Untaken>,
) -> Result<Option<Told>, DispatchError> {
    let mut tx = engine.database.begin(Scope::System).await?;
    store::hold(&mut tx, tell.tenant_id, &[record].into()).await?;
    let Some(mut untold) = links::lock_untold(&mut tx, tell.link_id, token).await? else {
        tx.commit().await?;
        return Ok(None);
    };
    if !taken.is_empty() {
        untold.attempts = 0;
    }
    let now = tx.now().await?;
    notices::keep(&mut untold, taken, now);
    let told = match failure {
        Some(Untaken::Away(wait)) => Told::More(Some(wait)),
        Some(Untaken::Refused(error)) => {
            untold.attempts += 1;
            let said = SyncError { class: error.kind, code: error.code.clone(), message: error.message.clone() };
            if error.is_worth_repeating() {
                Told::Later(wait_after(&engine.schedule, untold.attempts, &error), said)
            } else {
                tracing::error!(link.id = %tell.link_id, error.code = error.code, "the backend refuses what it is told");
                Told::Refused(said)
            }
        }
        None => left(&mut tx, tell.tenant_id, &untold).await?,
    };
    links::settle_untold(&mut tx, tell.link_id, &untold, &told).await?;
    tx.commit().await?;
    Ok(Some(told))
}

async fn left(tx: &mut Transaction, tenant: TenantId, untold: &Untold) -> Result<Told, DispatchError> {
    let is_left = !notices::news(tx, tenant, untold).await?.is_empty();
    Ok(if is_left { Told::More(None) } else { Told::Everything })
}

/// How long something waits to be told again; the schedule's last wait repeats, since what is owed to the backend is owed until it takes
/// it.
fn wait_after(schedule: &RetrySchedule, attempts: u32, error: &connectors::error::ConnectorError) -> Duration {
    let rate_limited = error.kind == domain::fault::FaultKind::RateLimited;
    let asked = Asked { rate_limited, retry_after: error.retry_after };
    let last = u32::try_from(schedule.tiers().len()).unwrap_or(u32::MAX);
    schedule.wait(attempts.clamp(1, last), rand::random_range(-1.0..=1.0), asked).unwrap_or_default()
}
